"""Writes the program libseccomp makes of a profile to standard output.

Arguments: profile, then the names of the capabilities held. On standard error: names it does not know.
As Podman with crun or runc does it: rules in force, none that repeat the default, conditions on one
argument each a rule of their own.
"""

import json
import sys

import seccomp

ACTIONS = {
    "SCMP_ACT_ALLOW": seccomp.ALLOW,
    "SCMP_ACT_LOG": seccomp.LOG,
    "SCMP_ACT_TRAP": seccomp.TRAP,
    "SCMP_ACT_KILL": seccomp.KILL,
    "SCMP_ACT_KILL_PROCESS": seccomp.KILL_PROCESS,
}
OPERATORS = {
    "SCMP_CMP_EQ": seccomp.EQ,
    "SCMP_CMP_NE": seccomp.NE,
    "SCMP_CMP_LT": seccomp.LT,
    "SCMP_CMP_LE": seccomp.LE,
    "SCMP_CMP_GT": seccomp.GT,
    "SCMP_CMP_GE": seccomp.GE,
    "SCMP_CMP_MASKED_EQ": seccomp.MASKED_EQ,
}


def action(name, errno):
    return seccomp.ERRNO(1 if errno is None else errno) if name == "SCMP_ACT_ERRNO" else ACTIONS[name]


def in_force(block, held):
    includes, excludes = block.get("includes") or {}, block.get("excludes") or {}
    return (
        all(name in held for name in includes.get("caps") or [])
        and not any(name in held for name in excludes.get("caps") or [])
        and ("arches" not in includes or "amd64" in includes["arches"])
        and "amd64" not in (excludes.get("arches") or [])
    )


def main():
    with open(sys.argv[1], encoding="utf-8") as file:
        profile = json.load(file)
    held = sys.argv[2:]
    default = action(profile["defaultAction"], profile.get("defaultErrnoRet"))
    program = seccomp.SyscallFilter(default)
    program.add_arch(seccomp.Arch.X86)
    for block in profile["syscalls"]:
        wanted = action(block["action"], block.get("errnoRet"))
        if wanted == default or not in_force(block, held):
            continue
        arguments = [
            seccomp.Arg(one["index"], OPERATORS[one["op"]], one["value"], one.get("valueTwo", 0))
            for one in block.get("args") or []
        ]
        indices = [one["index"] for one in block.get("args") or []]
        lists = [arguments] if len(set(indices)) == len(indices) else [[one] for one in arguments]
        for name in block.get("names") or [block["name"]]:
            try:
                for one in lists:
                    program.add_rule(wanted, name, *one)
            except (RuntimeError, OSError, ValueError):
                print(name, file=sys.stderr)
    program.export_bpf(sys.stdout)


main()
