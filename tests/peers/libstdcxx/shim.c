/* The one symbol of GLIBCXX_3.4.32. An older library initialises its streams where they are used, so there is nothing to do. */
void ios_base_library_init(void) __asm__("_ZSt21ios_base_library_initv");

void ios_base_library_init(void)
{
}
