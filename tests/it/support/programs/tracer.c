/* Waits in a container for the next processes of its pid namespace and reaches for each as soon as it is there: by ptrace,
 * and by /proc/PID/exe and /proc/PID/fd, which the kernel guards alike. Prints "reached WHAT" for all that it should not
 * have got, and "payload" once for each process that it could reach only after that had become the payload.
 * usage: tracer PAYLOAD, the path that /proc/PID/exe of a payload leads to */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

/* Pids are given out in order, so that the next one is known before it is there. */
enum { WINDOW = 4 };

static int read_link(pid_t pid, const char *name, char *target, size_t size)
{
	char path[300];
	snprintf(path, sizeof path, "/proc/%d/%s", pid, name);
	ssize_t length = readlink(path, target, size - 1);
	target[length < 0 ? 0 : length] = 0;
	return length >= 0;
}

static void show_descriptors(pid_t pid)
{
	char path[40], target[4096], name[280];
	struct dirent *entry;
	snprintf(path, sizeof path, "/proc/%d/fd", pid);
	DIR *directory = opendir(path);
	while (directory && (entry = readdir(directory))) {
		snprintf(name, sizeof name, "fd/%s", entry->d_name);
		if (read_link(pid, name, target, sizeof target))
			printf("reached fd %s of %d: %s\n", entry->d_name, pid, target);
	}
	if (directory)
		closedir(directory);
}

/* Whether the process is done with: it was reached, as itself or as the payload. */
static int reach(pid_t pid, const char *payload, int trace)
{
	char exe[4096];
	int status;
	if (trace && ptrace(PTRACE_SEIZE, pid, 0, 0) != 0)
		return 0;
	if (trace) {
		ptrace(PTRACE_INTERRUPT, pid, 0, 0);
		if (waitpid(pid, &status, __WALL) != pid)
			return 1;
	}
	int got = read_link(pid, "exe", exe, sizeof exe);
	if (got && strcmp(exe, payload)) {
		printf("reached exe of %d: %s\n", pid, exe);
		show_descriptors(pid);
	} else if (got) {
		puts("payload");
	}
	if (trace)
		ptrace(PTRACE_DETACH, pid, 0, 0);
	fflush(stdout);
	return got;
}

int main(int count, char **words)
{
	pid_t next = getpid() + 1;
	if (count != 2)
		return 2;
	puts("ready");
	fflush(stdout);
	for (unsigned turn = 0;; turn++)
		for (pid_t pid = next; pid < next + WINDOW; pid++)
			if (reach(pid, words[1], turn % 2)) {
				next = pid + 1;
				break;
			}
}
