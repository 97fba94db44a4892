/* Swaps two names by renameat2(RENAME_EXCHANGE) until it is killed: the other side of every path race.
 * usage: racer A B */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <unistd.h>

int main(int count, char **words)
{
	if (count != 3)
		return 2;
	for (;;) {
		/* 2 is RENAME_EXCHANGE, which not every C library's headers name. */
		if (syscall(SYS_renameat2, AT_FDCWD, words[1], AT_FDCWD, words[2], 2)) {
			perror("renameat2");
			return 1;
		}
	}
}
