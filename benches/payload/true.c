/* The smallest payload: what is measured is the way to it. */
int main(void)
{
	return 0;
}
