"""Capacity providers: base and weight, read from the engines."""

from support.spine import definition, service
from test_placement import Fleet, cluster, two  # noqa: F401

STRATEGY = [{"capacityProvider": "steady", "base": 1, "weight": 1}, {"capacityProvider": "spot", "weight": 2}]


def test_base_and_weight_and_back(two, demo_image):
    two.repo.commit("web", {
        "cluster.json": cluster({"name": "one", "capacityProvider": "steady"}, {"name": "two", "capacityProvider": "spot"}),
        "web.json": definition(demo_image), "service.json": service(4, capacityProviderStrategy=STRATEGY),
    })
    two.start()
    two.converge()
    assert two.counts() == (2, 2)
    two.repo.commit("web: more", {"service.json": service(7, capacityProviderStrategy=STRATEGY)})
    two.converge()
    assert two.counts() == (3, 4)
    two.repo.commit("web: the base", {"service.json": service(1, capacityProviderStrategy=STRATEGY)})
    two.converge()
    assert two.counts() == (1, 0)
