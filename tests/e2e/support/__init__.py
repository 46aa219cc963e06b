"""What the end-to-end tests stand on: repositories, the built davit, a sampler and a recording proxy of engines."""
