/* The floor: a whole container and nothing else. No image, no state, no log, no monitor; every kernel call that an
 * engine's container needs is made, in the order and by the means that cost least.
 *
 * usage: floor [-m | -j PID] ROOT SCRATCH COMMAND [ARG]...
 *        floor -k                 make the caller's user namespace, print the pid and hold it
 *
 *   ROOT     lower directory of the overlay, with dev, proc and sys in it
 *   SCRATCH  directory in which each run makes its upper and work directories; they are left for the caller to remove
 *   -m       (ordinary user) make a user namespace and map the range of /etc/subuid
 *   -j PID   (ordinary user) join the user namespace of that process
 *
 * musl-gcc -static -O2 -idirafter /usr/include -idirafter /usr/include/x86_64-linux-gnu
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/audit.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/mount.h>
#include <linux/sched.h>
#include <linux/seccomp.h>
#include <net/if.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

extern int unshare(int);
extern int setns(int, int);
extern int sethostname(const char *, size_t);
extern int mount(const char *, const char *, const char *, unsigned long, const void *);
extern int umount2(const char *, int);
#define SLAVE (1 << 19)
#define RECURSIVE (1 << 14)
#define NEW_NAMESPACES (CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWCGROUP)

static int rootless;

static void die(const char *what)
{
	dprintf(2, "floor: %s: %s\n", what, strerror(errno));
	_exit(125);
}

static long must(long result, const char *what)
{
	if (result < 0)
		die(what);
	return result;
}

/* ---- the user namespace ---- */

/* The first range of the user in one of the files of subordinate ids. */
static void range(const char *file, const char *user, char *first, char *count)
{
	char line[256];
	size_t length = strlen(user);
	FILE *stream = fopen(file, "re");
	while (stream && fgets(line, sizeof line, stream))
		if (!strncmp(line, user, length) && line[length] == ':' &&
		    sscanf(line + length + 1, "%15[0-9]:%15[0-9]", first, count) == 2) {
			fclose(stream);
			return;
		}
	errno = ENOENT;
	die(file);
}

static pid_t map(const char *program, const char *file, const char *pid, unsigned own)
{
	char first[16], count[16], id[16];
	const char *user = getenv("USER");
	pid_t child = must(fork(), "fork");
	if (child)
		return child;
	if (!user) {
		errno = EINVAL;
		die("USER");
	}
	range(file, user, first, count);
	snprintf(id, sizeof id, "%u", own);
	execl(program, program, pid, "0", id, "1", "1", first, count, (char *)NULL);
	die(program);
	return 0;
}

/* Makes a user namespace for this process; a helper outside maps its ids, both kinds at once. */
static void make_user_namespace(void)
{
	int ready[2], status;
	char byte, pid[16];
	unsigned uid = getuid(), gid = getgid();
	pid_t helper;
	snprintf(pid, sizeof pid, "%d", getpid());
	must(pipe2(ready, O_CLOEXEC), "pipe");
	helper = must(fork(), "fork");
	if (!helper) {
		pid_t users, groups;
		close(ready[1]);
		if (read(ready[0], &byte, 1) != 1)
			_exit(1);
		users = map("/usr/bin/newuidmap", "/etc/subuid", pid, uid);
		groups = map("/usr/bin/newgidmap", "/etc/subgid", pid, gid);
		must(waitpid(users, &status, 0), "wait");
		if (status)
			_exit(1);
		must(waitpid(groups, &status, 0), "wait");
		_exit(status != 0);
	}
	must(unshare(CLONE_NEWUSER), "user namespace");
	must(write(ready[1], "", 1), "pipe");
	must(waitpid(helper, &status, 0), "wait");
	if (status) {
		errno = EPERM;
		die("map ids");
	}
	close(ready[0]);
	close(ready[1]);
}

static void become_root(void)
{
	must(setgroups(0, NULL), "setgroups");
	must(setresgid(0, 0, 0), "setresgid");
	must(setresuid(0, 0, 0), "setresuid");
}

/* ---- the root file system ---- */

static int new_filesystem(const char *type, const char *const (*options)[2], unsigned attributes)
{
	int context = must(syscall(SYS_fsopen, type, FSOPEN_CLOEXEC), type);
	int fd;
	for (; options && (*options)[0]; options++)
		must(syscall(SYS_fsconfig, context, (*options)[1] ? FSCONFIG_SET_STRING : FSCONFIG_SET_FLAG, (*options)[0],
			     (*options)[1], 0), (*options)[0]);
	must(syscall(SYS_fsconfig, context, FSCONFIG_CMD_CREATE, NULL, NULL, 0), type);
	fd = must(syscall(SYS_fsmount, context, FSMOUNT_CLOEXEC, attributes), type);
	close(context);
	return fd;
}

static void attach(int fd, const char *target)
{
	must(syscall(SYS_move_mount, fd, "", AT_FDCWD, target, MOVE_MOUNT_F_EMPTY_PATH), target);
	close(fd);
}

static int clone_tree(const char *path)
{
	return syscall(SYS_open_tree, AT_FDCWD, path, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
}

static void devices(void)
{
	static const struct {
		const char *name;
		unsigned major, minor;
	} nodes[] = {{"null", 1, 3}, {"zero", 1, 5}, {"full", 1, 7}, {"random", 1, 8}, {"urandom", 1, 9}, {"tty", 5, 0}};
	static const char *const links[][2] = {{"/proc/self/fd", "dev/fd"}, {"fd/0", "dev/stdin"}, {"fd/1", "dev/stdout"},
					       {"fd/2", "dev/stderr"}, {"pts/ptmx", "dev/ptmx"}};
	static const char *const small[][2] = {{"mode", "755"}, {"size", "65536k"}, {NULL, NULL}};
	static const char *const pts[][2] = {{"newinstance", NULL}, {"ptmxmode", "0666"}, {"mode", "0620"}, {NULL, NULL}};
	static const char *const shm[][2] = {{"mode", "1777"}, {"size", "65536k"}, {NULL, NULL}};
	const unsigned safe = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC | MOUNT_ATTR_NODEV;
	size_t i;
	attach(new_filesystem("tmpfs", small, MOUNT_ATTR_NOSUID), "dev");
	for (i = 0; i < sizeof nodes / sizeof *nodes; i++) {
		char inside[32], outside[32];
		snprintf(inside, sizeof inside, "dev/%s", nodes[i].name);
		snprintf(outside, sizeof outside, "/dev/%s", nodes[i].name);
		if (rootless) {
			close(must(open(inside, O_CREAT | O_WRONLY | O_CLOEXEC, 0666), inside));
			attach(must(clone_tree(outside), outside), inside);
		} else {
			must(mknod(inside, S_IFCHR | 0666, makedev(nodes[i].major, nodes[i].minor)), inside);
		}
	}
	for (i = 0; i < sizeof links / sizeof *links; i++)
		must(symlink(links[i][0], links[i][1]), links[i][1]);
	must(mkdir("dev/pts", 0755), "dev/pts");
	must(mkdir("dev/shm", 0755), "dev/shm");
	must(mkdir("dev/mqueue", 0755), "dev/mqueue");
	attach(new_filesystem("devpts", pts, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC), "dev/pts");
	attach(new_filesystem("tmpfs", shm, safe), "dev/shm");
	attach(new_filesystem("mqueue", NULL, safe), "dev/mqueue");
}

static void masks(void)
{
	static const char *const files[] = {"proc/kcore", "proc/keys", "proc/latency_stats", "proc/timer_list",
					    "proc/sched_debug", "proc/interrupts"};
	static const char *const directories[] = {"proc/acpi", "proc/scsi", "sys/firmware"};
	static const char *const fixed[] = {"proc/bus", "proc/fs", "proc/irq", "proc/sys", "proc/sysrq-trigger"};
	static const char *const empty[][2] = {{"size", "0"}, {NULL, NULL}};
	struct mount_attr readonly = {.attr_set = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC};
	size_t i;
	for (i = 0; i < sizeof files / sizeof *files; i++)
		if (!access(files[i], F_OK))
			attach(must(clone_tree("/dev/null"), "/dev/null"), files[i]);
	for (i = 0; i < sizeof directories / sizeof *directories; i++)
		if (!access(directories[i], F_OK))
			attach(new_filesystem("tmpfs", empty, MOUNT_ATTR_RDONLY), directories[i]);
	for (i = 0; i < sizeof fixed / sizeof *fixed; i++) {
		int fd = clone_tree(fixed[i]);
		if (fd < 0)
			continue;
		must(syscall(SYS_mount_setattr, fd, "", AT_EMPTY_PATH, &readonly, sizeof readonly), fixed[i]);
		attach(fd, fixed[i]);
	}
}

static void root_filesystem(const char *lower, const char *scratch, int parent, int network, int released)
{
	const unsigned safe = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC | MOUNT_ATTR_NODEV;
	char upper[512], work[512], byte;
	const char *options[][2] = {{"lowerdir", lower}, {"upperdir", upper}, {"workdir", work}, {"userxattr", NULL},
				    {"volatile", NULL}, {"index", "off"}, {"metacopy", "off"},
				    {"redirect_dir", "nofollow"}, {NULL, NULL}};
	int fd;
	snprintf(upper, sizeof upper, "%s/%d-upper", scratch, parent);
	snprintf(work, sizeof work, "%s/%d-work", scratch, parent);
	must(mkdir(upper, 0755), upper);
	must(mkdir(work, 0755), work);
	must(mount(NULL, "/", NULL, SLAVE | RECURSIVE, NULL), "propagation");
	fd = new_filesystem("overlay", (const char *const(*)[2])options, 0);
	/* Nobody else sees this mount: the scratch directory serves as its place. */
	attach(fd, scratch);
	must(chdir(scratch), scratch);
	attach(new_filesystem("proc", NULL, safe), "proc");
	devices();
	/* The file system shows the network namespace that its mounter is in: join first. */
	if (read(released, &byte, 1) != 1)
		die("network");
	must(setns(network, CLONE_NEWNET), "join the network");
	attach(new_filesystem("sysfs", NULL, safe | MOUNT_ATTR_RDONLY), "sys");
	if (!access("sys/fs/cgroup", F_OK))
		attach(new_filesystem("cgroup2", NULL, safe | MOUNT_ATTR_RDONLY), "sys/fs/cgroup");
	masks();
	must(syscall(SYS_pivot_root, ".", "."), "pivot_root");
	must(umount2(".", 2), "old root");
	must(chdir("/"), "/");
}

/* ---- privileges ---- */

static void capabilities(void)
{
	/* chown dac_override fowner fsetid kill setgid setuid setpcap net_bind_service sys_chroot setfcap */
	const uint64_t keep = 1ull << 0 | 1ull << 1 | 1ull << 3 | 1ull << 4 | 1ull << 5 | 1ull << 6 | 1ull << 7 | 1ull << 8 |
			      1ull << 10 | 1ull << 18 | 1ull << 31;
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[2] = {{keep, keep, 0}, {keep >> 32, keep >> 32, 0}};
	int capability;
	for (capability = 0; capability < 41; capability++)
		if (!(keep >> capability & 1))
			prctl(PR_CAPBSET_DROP, capability, 0, 0, 0);
	must(syscall(SYS_capset, &header, data), "capabilities");
	must(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), "no_new_privs");
}

static void filter(void)
{
	struct sock_filter program[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_kexec_load, 4, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_init_module, 3, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_bpf, 2, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_keyctl, 1, 0),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
	};
	struct sock_fprog all = {.len = sizeof program / sizeof *program, .filter = program};
	must(syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &all), "seccomp");
}

static void loopback_up(void)
{
	struct ifreq request = {.ifr_name = "lo", .ifr_flags = IFF_UP};
	int fd = must(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), "socket");
	must(ioctl(fd, SIOCSIFFLAGS, &request), "loopback");
	close(fd);
}

static int run(const char *lower, const char *scratch, char **command)
{
	int release[2], own, pidfd, status;
	pid_t parent = getpid();
	umask(0);
	pid_t child;
	struct clone_args arguments = {.flags = NEW_NAMESPACES | CLONE_PIDFD | CLONE_CLEAR_SIGHAND,
				       .pidfd = (uintptr_t)&pidfd, .exit_signal = SIGCHLD};
	must(pipe2(release, O_CLOEXEC), "pipe");
	own = must(syscall(SYS_pidfd_open, parent, 0), "pidfd");
	child = must(syscall(SYS_clone3, &arguments, sizeof arguments), "clone");
	if (!child) {
		close(release[1]);
		root_filesystem(lower, scratch, parent, own, release[0]);
		must(sethostname("floor", 5), "hostname");
		capabilities();
		filter();
		must(syscall(SYS_close_range, 3, ~0u, 4 /* CLOSE_RANGE_CLOEXEC */), "close_range");
		execve(command[0], command, (char *[]){"PATH=/bin", NULL});
		die(command[0]);
	}
	/* While the child mounts, its network is made here. */
	must(unshare(CLONE_NEWNET), "network namespace");
	loopback_up();
	must(write(release[1], "", 1), "pipe");
	must(waitpid(child, &status, 0), "wait");
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

int main(int count, char **words)
{
	int option, fd;
	while ((option = getopt(count, words, "+kmj:")) > 0) {
		rootless = 1;
		switch (option) {
		case 'k':
			make_user_namespace();
			printf("%d\n", getpid());
			fflush(stdout);
			pause();
			return 0;
		case 'm':
			make_user_namespace();
			break;
		case 'j':
			fd = must(syscall(SYS_pidfd_open, atoi(optarg), 0), "pidfd");
			must(setns(fd, CLONE_NEWUSER), "join the user namespace");
			close(fd);
			break;
		default:
			return 2;
		}
	}
	if (count - optind < 3) {
		dprintf(2, "usage: floor [-m | -j PID] ROOT SCRATCH COMMAND [ARG]...\n");
		return 2;
	}
	if (rootless)
		become_root();
	return run(words[optind], words[optind + 1], words + optind + 2);
}
