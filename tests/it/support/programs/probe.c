/* Prints what this process is allowed and holds: one "key value" a line, for tests to compare.
 *
 *   fd.N        what descriptor N leads to
 *   arg.N env   the words it was given
 *   status.*    identity, groups, capabilities, no_new_privs, seccomp from /proc/self/status
 *   mount       one line of /proc/self/mountinfo
 *   ns.*        the namespaces
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

extern char **environ;

static void links(const char *key, const char *directory)
{
	DIR *dir = opendir(directory);
	struct dirent *entry;
	if (!dir)
		return;
	while ((entry = readdir(dir))) {
		char path[600], target[4096];
		ssize_t length;
		if (entry->d_name[0] == '.' || (!strcmp(key, "fd") && atoi(entry->d_name) == dirfd(dir)))
			continue;
		snprintf(path, sizeof path, "%s/%s", directory, entry->d_name);
		length = readlink(path, target, sizeof target - 1);
		target[length < 0 ? 0 : length] = 0;
		printf("%s.%s %s\n", key, entry->d_name, target);
	}
	closedir(dir);
}

static void lines(const char *key, const char *path, int split)
{
	FILE *file = fopen(path, "r");
	static char line[1 << 16];
	if (!file)
		return;
	while (fgets(line, sizeof line, file)) {
		char *colon = split ? strchr(line, ':') : NULL;
		if (colon) {
			*colon = 0;
			printf("%s.%s %s", key, line, colon + 1 + strspn(colon + 1, " \t"));
		} else if (!split) {
			printf("%s %s", key, line);
		}
	}
	fclose(file);
}

int main(int count, char **words)
{
	char directory[4096];
	struct utsname names;
	int i;

	for (i = 0; i < count; i++)
		printf("arg.%d %s\n", i, words[i]);
	for (i = 0; environ[i]; i++)
		printf("env %s\n", environ[i]);
	printf("cwd %s\n", getcwd(directory, sizeof directory) ? directory : "?");
	printf("pid %d\nparent %d\nsession %d\n", getpid(), getppid(), getsid(0));
	if (!uname(&names))
		printf("hostname %s\n", names.nodename);
	links("fd", "/proc/self/fd");
	links("ns", "/proc/self/ns");
	lines("status", "/proc/self/status", 1);
	lines("mount", "/proc/self/mountinfo", 0);
	lines("cgroup", "/proc/self/cgroup", 0);
	return 0;
}
