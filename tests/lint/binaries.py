"""What the checks of built files share: the libraries of the release build and their symbols."""

from lint import output_of


def libraries(build):
    """The static library of each directory that has one: {directory: path}."""
    found = {}
    for path in sorted((build / "src").glob("*/libdavit_*.a")):
        found.setdefault(path.parent.name, []).append(path)
    return found


def symbols(path):
    """(defined, undefined): what the objects of a library or object file offer and what they want from elsewhere."""
    defined, undefined = set(), set()
    for line in output_of(["nm", "--format=posix", "--extern-only", str(path)]).splitlines():
        fields = line.split()
        if len(fields) >= 2 and len(fields[1]) == 1:
            name = fields[0].split("@")[0]
            (undefined if fields[1] in "Uw" else defined).add(name)
    return defined, undefined - defined


def directory_symbols(build):
    """{directory: (defined, undefined)} over all libraries of a directory."""
    result = {}
    for directory, paths in libraries(build).items():
        pairs = [symbols(path) for path in paths]
        defined = set().union(*(pair[0] for pair in pairs))
        result[directory] = (defined, set().union(*(pair[1] for pair in pairs)) - defined)
    return result
