/* Adopts the orphans of a command, as a container engine's shim does: runs it, says "made" when it has succeeded, waits
   for the one process that it left behind, and ends as that one does (128 and the number when by a signal). */
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

static int code(int status)
{
    return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

int main(int argc, char **argv)
{
    int status = 0;
    if (argc < 2 || prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) != 0)
        return 99;
    pid_t child = fork();
    if (child == 0) {
        execv(argv[1], argv + 1);
        _exit(98);
    }
    if (waitpid(child, &status, 0) != child || status != 0)
        return code(status);
    puts("made");
    fflush(stdout);
    /* Whoever reads our output waits for the payload's end of it, not for ours. */
    while (waitpid(-1, &status, 0) > 0)
        ;
    return code(status);
}
