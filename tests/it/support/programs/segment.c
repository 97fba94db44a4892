/* Makes a System V shared memory segment of so many MiB, fills it, and leaves it behind; says "filled" and waits.
 * usage: segment KEY MIB */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ipc.h>
#include <sys/shm.h>
#include <unistd.h>

int main(int count, char **words)
{
	if (count != 3)
		return 2;
	size_t size = (size_t)atoi(words[2]) << 20;
	int id = shmget(atoi(words[1]), size, IPC_CREAT | 0600);
	void *memory = id < 0 ? (void *)-1 : shmat(id, NULL, 0);
	if (memory == (void *)-1) {
		perror("shm");
		return 1;
	}
	memset(memory, 1, size);
	puts("filled");
	fflush(stdout);
	for (;;)
		pause();
}
