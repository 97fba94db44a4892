/* A payload that waits for a signal: something to exec into, and to hold a user namespace. */
#include <unistd.h>

int main(void)
{
	pause();
	return 0;
}
