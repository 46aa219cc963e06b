/* What libgit2 1.5 itself loses when it fails, by the function of its interface: patterns of the
 * configuration that match nothing, and references and walks that come to a commit that it cannot parse. For
 * the leak checker of the sanitizers; the stacks have to be whole to show who called. valgrind.supp says the
 * same to valgrind.
 */
const char *__asan_default_options(void);
const char *__lsan_default_suppressions(void);

const char *__asan_default_options(void)
{
    return "fast_unwind_on_malloc=0";
}

const char *__lsan_default_suppressions(void)
{
    return "leak:git_config_foreach_match\n"
           "leak:git_graph_reachable_from_any\n"
           "leak:git_revparse_\n"
           "leak:git_revwalk_next\n";
}
