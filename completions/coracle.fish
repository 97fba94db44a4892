# Print an optspec for argparse to handle cmd's options that are independent of any subcommand.
function __fish_coracle_global_optspecs
    string join \n v/version root= runroot= l/log-level= events-backend= storage-driver= storage-opt= module= out= noout config= timing= D/debug h/help
end

function __fish_coracle_needs_command
    # Figure out if the current invocation already has a command.
    set -l cmd (commandline -opc)
    set -e cmd[1]
    argparse -s (__fish_coracle_global_optspecs) -- $cmd 2>/dev/null
    or return
    if set -q argv[1]
        # Also print the command, so this can be used to figure out what it is.
        echo $argv[1]
        return 1
    end
    return 0
end

function __fish_coracle_using_subcommand
    set -l cmd (__fish_coracle_needs_command)
    test -z "$cmd"
    and return 1
    contains -- $cmd[1] $argv
end

complete -c coracle -n "__fish_coracle_needs_command" -l root -l data-root -d 'Directory of the store' -r
complete -c coracle -n "__fish_coracle_needs_command" -l runroot -d 'Directory for what may vanish when the machine restarts' -r
complete -c coracle -n "__fish_coracle_needs_command" -s l -l log-level -d 'How much to tell: debug, info, warn or error' -r
complete -c coracle -n "__fish_coracle_needs_command" -l events-backend -d 'Where it is recorded what happens: file, journald or none' -r
complete -c coracle -n "__fish_coracle_needs_command" -l storage-driver -d 'Accepted for scripts: there is one kind of store, which is like overlay' -r
complete -c coracle -n "__fish_coracle_needs_command" -l storage-opt -d 'Option of the store: additionalimagestore=DIR names one whose images are read; what is about Podman\'s drivers has no effect' -r
complete -c coracle -n "__fish_coracle_needs_command" -l module -d 'Add a file of options to containers.conf, by its path or its name in containers.conf.modules' -r
complete -c coracle -n "__fish_coracle_needs_command" -l out -d 'Write results to this file and not to standard output' -r
complete -c coracle -n "__fish_coracle_needs_command" -l config -d 'Directory with Docker\'s config.json, whose credentials are used' -r
complete -c coracle -n "__fish_coracle_needs_command" -l timing -d 'Write how long each phase of the command took to this file, as JSON, when it ends' -r
complete -c coracle -n "__fish_coracle_needs_command" -s v -l version -d 'Print the version'
complete -c coracle -n "__fish_coracle_needs_command" -l noout -d 'Write no results'
complete -c coracle -n "__fish_coracle_needs_command" -s D -l debug -d 'The same as --log-level=debug'
complete -c coracle -n "__fish_coracle_needs_command" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c coracle -n "__fish_coracle_needs_command" -f -a "artifact" -d 'Manage artifacts: files that registries keep beside images'
complete -c coracle -n "__fish_coracle_needs_command" -f -a "attach" -d 'Connect to a running container'
complete -c coracle -n "__fish_coracle_needs_command" -f -a "completion" -d 'Print a script that completes commands in a shell'
complete -c coracle -n "__fish_coracle_needs_command" -f -a "container" -d 'Manage containers'
complete -c coracle -n "__fish_coracle_needs_command" -f -a "create" -d 'Make a container without starting it'
complete -c coracle -n "__fish_coracle_needs_command" -f -a "diff" -d 'Show what a container or an image changed'
complete -c coracle -n "__fish_coracle_needs_command" -f -a "doctor" -d 'Look for what keeps containers from working well'
complete -c coracle -n "__fish_coracle_needs_command" -f -a "events" -d 'Print what happened to containers, images and volumes, and what happens'
complete -c coracle -n "__fish_coracle_needs_command" -f -a "exec" -d 'Run a command in a running container'
complete -c coracle -n "__fish_coracle_needs_command" -f -a "export" -d 'Write the files of a container as a tar archive'
complete -c coracle -n "__fish_coracle_needs_command" -f -a "healthcheck" -d 'Check the health of containers'
complete -c coracle -n "__fish_coracle_needs_command" -f -a "history" -d 'Show how an image was made'
complete -c coracle -n "__fish_coracle_needs_command" -f -a "image" -d 'Manage images'
complete -c coracle -n "__fish_coracle_needs_command" -f -a "images" -d 'List images'
complete -c coracle -n "__fish_coracle_needs_command" -f -a "import" -d 'Make an image of an archive of files'
complete -c coracle -n "__fish_coracle_needs_command" -f -a "info" -d 'Print what the host and the store are like'
complete -c coracle -n "__fish_coracle_needs_command" -f -a "init" -d 'Make containers ready to start'
complete -c coracle -n "__fish_coracle_needs_command" -f -a "inspect" -d 'Print everything about containers, images or volumes'
complete -c coracle -n "__fish_coracle_needs_command" -f -a "kill" -d 'Send a signal to running containers'
complete -c coracle -n "__fish_coracle_needs_command" -f -a "load" -d 'Load images from an archive'
complete -c coracle -n "__fish_coracle_needs_command" -f -a "login" -d 'Keep credentials for a registry'
complete -c coracle -n "__fish_coracle_needs_command" -f -a "logout" -d 'Forget the credentials for a registry'
complete -c coracle -n "__fish_coracle_needs_command" -f -a "logs" -d 'Print the output of containers'
complete -c coracle -n "__fish_coracle_needs_command" -f -a "manifest" -d 'Make, look at and push lists of manifests'
complete -c coracle -n "__fish_coracle_needs_command" -f -a "pause" -d 'Freeze the processes of containers'
complete -c coracle -n "__fish_coracle_needs_command" -f -a "port" -d 'List the published ports of containers'
complete -c coracle -n "__fish_coracle_needs_command" -f -a "ps" -d 'List containers'
complete -c coracle -n "__fish_coracle_needs_command" -f -a "pull" -d 'Fetch images from registries and archives'
complete -c coracle -n "__fish_coracle_needs_command" -f -a "push" -d 'Give images to registries'
complete -c coracle -n "__fish_coracle_needs_command" -f -a "rename" -d 'Give a container another name'
complete -c coracle -n "__fish_coracle_needs_command" -f -a "restart" -d 'Restart containers'
complete -c coracle -n "__fish_coracle_needs_command" -f -a "rm" -d 'Remove containers'
complete -c coracle -n "__fish_coracle_needs_command" -f -a "rmi" -d 'Remove images'
complete -c coracle -n "__fish_coracle_needs_command" -f -a "run" -d 'Run a command in a new container'
complete -c coracle -n "__fish_coracle_needs_command" -f -a "runtime" -d 'Work as an OCI runtime'
complete -c coracle -n "__fish_coracle_needs_command" -f -a "save" -d 'Save images to an archive'
complete -c coracle -n "__fish_coracle_needs_command" -f -a "search" -d 'Search registries for images'
complete -c coracle -n "__fish_coracle_needs_command" -f -a "start" -d 'Start containers'
complete -c coracle -n "__fish_coracle_needs_command" -f -a "stats" -d 'Show what containers use'
complete -c coracle -n "__fish_coracle_needs_command" -f -a "stop" -d 'Stop containers'
complete -c coracle -n "__fish_coracle_needs_command" -f -a "system" -d 'Manage the store as a whole'
complete -c coracle -n "__fish_coracle_needs_command" -f -a "tag" -d 'Give an image further names'
complete -c coracle -n "__fish_coracle_needs_command" -f -a "top" -d 'List the processes of a container'
complete -c coracle -n "__fish_coracle_needs_command" -f -a "unpause" -d 'Let paused containers go on'
complete -c coracle -n "__fish_coracle_needs_command" -f -a "unshare" -d 'Run a command in the user namespace of the containers'
complete -c coracle -n "__fish_coracle_needs_command" -f -a "untag" -d 'Take names from an image'
complete -c coracle -n "__fish_coracle_needs_command" -f -a "update" -d 'Change limits, restart policies, health checks and the environment of containers'
complete -c coracle -n "__fish_coracle_needs_command" -f -a "version" -d 'Print the version'
complete -c coracle -n "__fish_coracle_needs_command" -f -a "volume" -d 'Manage volumes'
complete -c coracle -n "__fish_coracle_needs_command" -f -a "wait" -d 'Wait until containers end, and print their exit codes'
complete -c coracle -n "__fish_coracle_needs_command" -f -a "why" -d 'Tell why a container ended, or did not start'
complete -c coracle -n "__fish_coracle_needs_command" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c coracle -n "__fish_coracle_using_subcommand artifact; and not __fish_seen_subcommand_from add extract inspect ls list pull push rm remove help" -s h -l help -d 'Print help'
complete -c coracle -n "__fish_coracle_using_subcommand artifact; and not __fish_seen_subcommand_from add extract inspect ls list pull push rm remove help" -f -a "add" -d 'Make an artifact of files'
complete -c coracle -n "__fish_coracle_using_subcommand artifact; and not __fish_seen_subcommand_from add extract inspect ls list pull push rm remove help" -f -a "extract" -d 'Write the files of an artifact to a directory, or one to a file'
complete -c coracle -n "__fish_coracle_using_subcommand artifact; and not __fish_seen_subcommand_from add extract inspect ls list pull push rm remove help" -f -a "inspect" -d 'Print everything about an artifact'
complete -c coracle -n "__fish_coracle_using_subcommand artifact; and not __fish_seen_subcommand_from add extract inspect ls list pull push rm remove help" -f -a "ls" -d 'List artifacts'
complete -c coracle -n "__fish_coracle_using_subcommand artifact; and not __fish_seen_subcommand_from add extract inspect ls list pull push rm remove help" -f -a "list" -d 'List artifacts'
complete -c coracle -n "__fish_coracle_using_subcommand artifact; and not __fish_seen_subcommand_from add extract inspect ls list pull push rm remove help" -f -a "pull" -d 'Fetch an artifact from a registry'
complete -c coracle -n "__fish_coracle_using_subcommand artifact; and not __fish_seen_subcommand_from add extract inspect ls list pull push rm remove help" -f -a "push" -d 'Give an artifact to the registry that its name says'
complete -c coracle -n "__fish_coracle_using_subcommand artifact; and not __fish_seen_subcommand_from add extract inspect ls list pull push rm remove help" -f -a "rm" -d 'Remove artifacts'
complete -c coracle -n "__fish_coracle_using_subcommand artifact; and not __fish_seen_subcommand_from add extract inspect ls list pull push rm remove help" -f -a "remove" -d 'Remove artifacts'
complete -c coracle -n "__fish_coracle_using_subcommand artifact; and not __fish_seen_subcommand_from add extract inspect ls list pull push rm remove help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c coracle -n "__fish_coracle_using_subcommand artifact; and __fish_seen_subcommand_from add" -l annotation -d 'Add an annotation to each of the files' -r
complete -c coracle -n "__fish_coracle_using_subcommand artifact; and __fish_seen_subcommand_from add" -l file-type -d 'Type of the files, instead of what they seem to be' -r
complete -c coracle -n "__fish_coracle_using_subcommand artifact; and __fish_seen_subcommand_from add" -l type -d 'Type of the artifact' -r
complete -c coracle -n "__fish_coracle_using_subcommand artifact; and __fish_seen_subcommand_from add" -s a -l append -d 'Add the files to an artifact that is there'
complete -c coracle -n "__fish_coracle_using_subcommand artifact; and __fish_seen_subcommand_from add" -l replace -d 'Take the place of an artifact of that name'
complete -c coracle -n "__fish_coracle_using_subcommand artifact; and __fish_seen_subcommand_from add" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c coracle -n "__fish_coracle_using_subcommand artifact; and __fish_seen_subcommand_from extract" -l digest -d 'Only the file with this digest' -r
complete -c coracle -n "__fish_coracle_using_subcommand artifact; and __fish_seen_subcommand_from extract" -l title -d 'Only the file with this title' -r
complete -c coracle -n "__fish_coracle_using_subcommand artifact; and __fish_seen_subcommand_from extract" -s h -l help -d 'Print help'
complete -c coracle -n "__fish_coracle_using_subcommand artifact; and __fish_seen_subcommand_from inspect" -s f -l format -d 'Print by a Go template' -r
complete -c coracle -n "__fish_coracle_using_subcommand artifact; and __fish_seen_subcommand_from inspect" -s h -l help -d 'Print help'
complete -c coracle -n "__fish_coracle_using_subcommand artifact; and __fish_seen_subcommand_from ls" -l format -d 'Print by a Go template, as "table TEMPLATE", or as "json"' -r
complete -c coracle -n "__fish_coracle_using_subcommand artifact; and __fish_seen_subcommand_from ls" -l no-trunc -d 'Do not shorten digests'
complete -c coracle -n "__fish_coracle_using_subcommand artifact; and __fish_seen_subcommand_from ls" -s n -l noheading -d 'Print no heading'
complete -c coracle -n "__fish_coracle_using_subcommand artifact; and __fish_seen_subcommand_from ls" -s h -l help -d 'Print help'
complete -c coracle -n "__fish_coracle_using_subcommand artifact; and __fish_seen_subcommand_from list" -l format -d 'Print by a Go template, as "table TEMPLATE", or as "json"' -r
complete -c coracle -n "__fish_coracle_using_subcommand artifact; and __fish_seen_subcommand_from list" -l no-trunc -d 'Do not shorten digests'
complete -c coracle -n "__fish_coracle_using_subcommand artifact; and __fish_seen_subcommand_from list" -s n -l noheading -d 'Print no heading'
complete -c coracle -n "__fish_coracle_using_subcommand artifact; and __fish_seen_subcommand_from list" -s h -l help -d 'Print help'
complete -c coracle -n "__fish_coracle_using_subcommand artifact; and __fish_seen_subcommand_from pull" -l authfile -d 'File with credentials' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand artifact; and __fish_seen_subcommand_from pull" -l cert-dir -d 'Directory with certificates for the registry: *.crt, *.cert and *.key' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand artifact; and __fish_seen_subcommand_from pull" -l tls-verify -d 'Whether to insist on encryption and a valid certificate' -r -f -a "true\t''
false\t''"
complete -c coracle -n "__fish_coracle_using_subcommand artifact; and __fish_seen_subcommand_from pull" -l creds -d 'User name and password for the registry' -r
complete -c coracle -n "__fish_coracle_using_subcommand artifact; and __fish_seen_subcommand_from pull" -l retry -d 'Tries after what failed when performing pull (default 3)' -r
complete -c coracle -n "__fish_coracle_using_subcommand artifact; and __fish_seen_subcommand_from pull" -l retry-delay -d 'Wait after pull failures (default "1s"), doubled each time' -r
complete -c coracle -n "__fish_coracle_using_subcommand artifact; and __fish_seen_subcommand_from pull" -l signature-policy -d 'File with the signature policy for what is fetched, instead of policy.json' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand artifact; and __fish_seen_subcommand_from pull" -s q -l quiet -d 'Print nothing'
complete -c coracle -n "__fish_coracle_using_subcommand artifact; and __fish_seen_subcommand_from pull" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c coracle -n "__fish_coracle_using_subcommand artifact; and __fish_seen_subcommand_from push" -l digestfile -d 'Write the digest to a file' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand artifact; and __fish_seen_subcommand_from push" -l sign-by-sigstore -d 'Sign as a file of parameters says, which names the key' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand artifact; and __fish_seen_subcommand_from push" -l sign-by-sigstore-private-key -d 'Sign with the key in a file, as cosign and Podman do' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand artifact; and __fish_seen_subcommand_from push" -l sign-passphrase-file -d 'File whose first line is the passphrase of that key' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand artifact; and __fish_seen_subcommand_from push" -l authfile -d 'File with credentials' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand artifact; and __fish_seen_subcommand_from push" -l cert-dir -d 'Directory with certificates for the registry: *.crt, *.cert and *.key' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand artifact; and __fish_seen_subcommand_from push" -l tls-verify -d 'Whether to insist on encryption and a valid certificate' -r -f -a "true\t''
false\t''"
complete -c coracle -n "__fish_coracle_using_subcommand artifact; and __fish_seen_subcommand_from push" -l creds -d 'User name and password for the registry' -r
complete -c coracle -n "__fish_coracle_using_subcommand artifact; and __fish_seen_subcommand_from push" -l retry -d 'Tries after what failed when performing push (default 3)' -r
complete -c coracle -n "__fish_coracle_using_subcommand artifact; and __fish_seen_subcommand_from push" -l retry-delay -d 'Wait after push failures (default "1s"), doubled each time' -r
complete -c coracle -n "__fish_coracle_using_subcommand artifact; and __fish_seen_subcommand_from push" -l signature-policy -d 'File with the signature policy for what is fetched, instead of policy.json' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand artifact; and __fish_seen_subcommand_from push" -s q -l quiet -d 'Print nothing'
complete -c coracle -n "__fish_coracle_using_subcommand artifact; and __fish_seen_subcommand_from push" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c coracle -n "__fish_coracle_using_subcommand artifact; and __fish_seen_subcommand_from rm" -s a -l all -d 'All artifacts'
complete -c coracle -n "__fish_coracle_using_subcommand artifact; and __fish_seen_subcommand_from rm" -s i -l ignore -d 'Say nothing of artifacts that are not there'
complete -c coracle -n "__fish_coracle_using_subcommand artifact; and __fish_seen_subcommand_from rm" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c coracle -n "__fish_coracle_using_subcommand artifact; and __fish_seen_subcommand_from remove" -s a -l all -d 'All artifacts'
complete -c coracle -n "__fish_coracle_using_subcommand artifact; and __fish_seen_subcommand_from remove" -s i -l ignore -d 'Say nothing of artifacts that are not there'
complete -c coracle -n "__fish_coracle_using_subcommand artifact; and __fish_seen_subcommand_from remove" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c coracle -n "__fish_coracle_using_subcommand artifact; and __fish_seen_subcommand_from help" -f -a "add"
complete -c coracle -n "__fish_coracle_using_subcommand artifact; and __fish_seen_subcommand_from help" -f -a "extract"
complete -c coracle -n "__fish_coracle_using_subcommand artifact; and __fish_seen_subcommand_from help" -f -a "inspect"
complete -c coracle -n "__fish_coracle_using_subcommand artifact; and __fish_seen_subcommand_from help" -f -a "ls"
complete -c coracle -n "__fish_coracle_using_subcommand artifact; and __fish_seen_subcommand_from help" -f -a "pull"
complete -c coracle -n "__fish_coracle_using_subcommand artifact; and __fish_seen_subcommand_from help" -f -a "push"
complete -c coracle -n "__fish_coracle_using_subcommand artifact; and __fish_seen_subcommand_from help" -f -a "rm"
complete -c coracle -n "__fish_coracle_using_subcommand artifact; and __fish_seen_subcommand_from help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c coracle -n "__fish_coracle_using_subcommand attach" -l detach-keys -d 'Keys that detach from the container, such as ctrl-p,ctrl-q' -r
complete -c coracle -n "__fish_coracle_using_subcommand attach" -l sig-proxy -d 'Pass signals on to the container' -r
complete -c coracle -n "__fish_coracle_using_subcommand attach" -l no-stdin -d 'Leave standard input alone'
complete -c coracle -n "__fish_coracle_using_subcommand attach" -s l -l latest -d 'The container made last'
complete -c coracle -n "__fish_coracle_using_subcommand attach" -s h -l help -d 'Print help'
complete -c coracle -n "__fish_coracle_using_subcommand completion" -s f -l file -d 'File to write instead of standard output' -r
complete -c coracle -n "__fish_coracle_using_subcommand completion" -l no-desc -d 'Accepted for compatibility'
complete -c coracle -n "__fish_coracle_using_subcommand completion" -s h -l help -d 'Print help'
complete -c coracle -n "__fish_coracle_using_subcommand container; and not __fish_seen_subcommand_from attach cleanup clone create diff exec exists export init inspect kill logs ls list ps pause port prune rename restart rm remove run start stats stop top unpause update wait help" -s h -l help -d 'Print help'
complete -c coracle -n "__fish_coracle_using_subcommand container; and not __fish_seen_subcommand_from attach cleanup clone create diff exec exists export init inspect kill logs ls list ps pause port prune rename restart rm remove run start stats stop top unpause update wait help" -f -a "attach" -d 'Connect to a running container'
complete -c coracle -n "__fish_coracle_using_subcommand container; and not __fish_seen_subcommand_from attach cleanup clone create diff exec exists export init inspect kill logs ls list ps pause port prune rename restart rm remove run start stats stop top unpause update wait help" -f -a "cleanup" -d 'Settle containers that do not run'
complete -c coracle -n "__fish_coracle_using_subcommand container; and not __fish_seen_subcommand_from attach cleanup clone create diff exec exists export init inspect kill logs ls list ps pause port prune rename restart rm remove run start stats stop top unpause update wait help" -f -a "clone" -d 'Make a container with the configuration of another one'
complete -c coracle -n "__fish_coracle_using_subcommand container; and not __fish_seen_subcommand_from attach cleanup clone create diff exec exists export init inspect kill logs ls list ps pause port prune rename restart rm remove run start stats stop top unpause update wait help" -f -a "create" -d 'Make a container without starting it'
complete -c coracle -n "__fish_coracle_using_subcommand container; and not __fish_seen_subcommand_from attach cleanup clone create diff exec exists export init inspect kill logs ls list ps pause port prune rename restart rm remove run start stats stop top unpause update wait help" -f -a "diff" -d 'Show what a container or an image changed'
complete -c coracle -n "__fish_coracle_using_subcommand container; and not __fish_seen_subcommand_from attach cleanup clone create diff exec exists export init inspect kill logs ls list ps pause port prune rename restart rm remove run start stats stop top unpause update wait help" -f -a "exec" -d 'Run a command in a running container'
complete -c coracle -n "__fish_coracle_using_subcommand container; and not __fish_seen_subcommand_from attach cleanup clone create diff exec exists export init inspect kill logs ls list ps pause port prune rename restart rm remove run start stats stop top unpause update wait help" -f -a "exists" -d 'End with status 0 if a container exists, and 1 if it does not'
complete -c coracle -n "__fish_coracle_using_subcommand container; and not __fish_seen_subcommand_from attach cleanup clone create diff exec exists export init inspect kill logs ls list ps pause port prune rename restart rm remove run start stats stop top unpause update wait help" -f -a "export" -d 'Write the files of a container as a tar archive'
complete -c coracle -n "__fish_coracle_using_subcommand container; and not __fish_seen_subcommand_from attach cleanup clone create diff exec exists export init inspect kill logs ls list ps pause port prune rename restart rm remove run start stats stop top unpause update wait help" -f -a "init" -d 'Make containers ready to start'
complete -c coracle -n "__fish_coracle_using_subcommand container; and not __fish_seen_subcommand_from attach cleanup clone create diff exec exists export init inspect kill logs ls list ps pause port prune rename restart rm remove run start stats stop top unpause update wait help" -f -a "inspect" -d 'Print everything about containers, images or volumes'
complete -c coracle -n "__fish_coracle_using_subcommand container; and not __fish_seen_subcommand_from attach cleanup clone create diff exec exists export init inspect kill logs ls list ps pause port prune rename restart rm remove run start stats stop top unpause update wait help" -f -a "kill" -d 'Send a signal to running containers'
complete -c coracle -n "__fish_coracle_using_subcommand container; and not __fish_seen_subcommand_from attach cleanup clone create diff exec exists export init inspect kill logs ls list ps pause port prune rename restart rm remove run start stats stop top unpause update wait help" -f -a "logs" -d 'Print the output of containers'
complete -c coracle -n "__fish_coracle_using_subcommand container; and not __fish_seen_subcommand_from attach cleanup clone create diff exec exists export init inspect kill logs ls list ps pause port prune rename restart rm remove run start stats stop top unpause update wait help" -f -a "ls" -d 'List containers'
complete -c coracle -n "__fish_coracle_using_subcommand container; and not __fish_seen_subcommand_from attach cleanup clone create diff exec exists export init inspect kill logs ls list ps pause port prune rename restart rm remove run start stats stop top unpause update wait help" -f -a "list" -d 'List containers'
complete -c coracle -n "__fish_coracle_using_subcommand container; and not __fish_seen_subcommand_from attach cleanup clone create diff exec exists export init inspect kill logs ls list ps pause port prune rename restart rm remove run start stats stop top unpause update wait help" -f -a "ps" -d 'List containers'
complete -c coracle -n "__fish_coracle_using_subcommand container; and not __fish_seen_subcommand_from attach cleanup clone create diff exec exists export init inspect kill logs ls list ps pause port prune rename restart rm remove run start stats stop top unpause update wait help" -f -a "pause" -d 'Freeze the processes of containers'
complete -c coracle -n "__fish_coracle_using_subcommand container; and not __fish_seen_subcommand_from attach cleanup clone create diff exec exists export init inspect kill logs ls list ps pause port prune rename restart rm remove run start stats stop top unpause update wait help" -f -a "port" -d 'List the published ports of containers'
complete -c coracle -n "__fish_coracle_using_subcommand container; and not __fish_seen_subcommand_from attach cleanup clone create diff exec exists export init inspect kill logs ls list ps pause port prune rename restart rm remove run start stats stop top unpause update wait help" -f -a "prune" -d 'Remove all containers that do not run'
complete -c coracle -n "__fish_coracle_using_subcommand container; and not __fish_seen_subcommand_from attach cleanup clone create diff exec exists export init inspect kill logs ls list ps pause port prune rename restart rm remove run start stats stop top unpause update wait help" -f -a "rename" -d 'Give a container another name'
complete -c coracle -n "__fish_coracle_using_subcommand container; and not __fish_seen_subcommand_from attach cleanup clone create diff exec exists export init inspect kill logs ls list ps pause port prune rename restart rm remove run start stats stop top unpause update wait help" -f -a "restart" -d 'Restart containers'
complete -c coracle -n "__fish_coracle_using_subcommand container; and not __fish_seen_subcommand_from attach cleanup clone create diff exec exists export init inspect kill logs ls list ps pause port prune rename restart rm remove run start stats stop top unpause update wait help" -f -a "rm" -d 'Remove containers'
complete -c coracle -n "__fish_coracle_using_subcommand container; and not __fish_seen_subcommand_from attach cleanup clone create diff exec exists export init inspect kill logs ls list ps pause port prune rename restart rm remove run start stats stop top unpause update wait help" -f -a "remove" -d 'Remove containers'
complete -c coracle -n "__fish_coracle_using_subcommand container; and not __fish_seen_subcommand_from attach cleanup clone create diff exec exists export init inspect kill logs ls list ps pause port prune rename restart rm remove run start stats stop top unpause update wait help" -f -a "run" -d 'Run a command in a new container'
complete -c coracle -n "__fish_coracle_using_subcommand container; and not __fish_seen_subcommand_from attach cleanup clone create diff exec exists export init inspect kill logs ls list ps pause port prune rename restart rm remove run start stats stop top unpause update wait help" -f -a "start" -d 'Start containers'
complete -c coracle -n "__fish_coracle_using_subcommand container; and not __fish_seen_subcommand_from attach cleanup clone create diff exec exists export init inspect kill logs ls list ps pause port prune rename restart rm remove run start stats stop top unpause update wait help" -f -a "stats" -d 'Show what containers use'
complete -c coracle -n "__fish_coracle_using_subcommand container; and not __fish_seen_subcommand_from attach cleanup clone create diff exec exists export init inspect kill logs ls list ps pause port prune rename restart rm remove run start stats stop top unpause update wait help" -f -a "stop" -d 'Stop containers'
complete -c coracle -n "__fish_coracle_using_subcommand container; and not __fish_seen_subcommand_from attach cleanup clone create diff exec exists export init inspect kill logs ls list ps pause port prune rename restart rm remove run start stats stop top unpause update wait help" -f -a "top" -d 'List the processes of a container'
complete -c coracle -n "__fish_coracle_using_subcommand container; and not __fish_seen_subcommand_from attach cleanup clone create diff exec exists export init inspect kill logs ls list ps pause port prune rename restart rm remove run start stats stop top unpause update wait help" -f -a "unpause" -d 'Let paused containers go on'
complete -c coracle -n "__fish_coracle_using_subcommand container; and not __fish_seen_subcommand_from attach cleanup clone create diff exec exists export init inspect kill logs ls list ps pause port prune rename restart rm remove run start stats stop top unpause update wait help" -f -a "update" -d 'Change limits, restart policies, health checks and the environment of containers'
complete -c coracle -n "__fish_coracle_using_subcommand container; and not __fish_seen_subcommand_from attach cleanup clone create diff exec exists export init inspect kill logs ls list ps pause port prune rename restart rm remove run start stats stop top unpause update wait help" -f -a "wait" -d 'Wait until containers end, and print their exit codes'
complete -c coracle -n "__fish_coracle_using_subcommand container; and not __fish_seen_subcommand_from attach cleanup clone create diff exec exists export init inspect kill logs ls list ps pause port prune rename restart rm remove run start stats stop top unpause update wait help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from attach" -l detach-keys -d 'Keys that detach from the container, such as ctrl-p,ctrl-q' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from attach" -l sig-proxy -d 'Pass signals on to the container' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from attach" -l no-stdin -d 'Leave standard input alone'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from attach" -s l -l latest -d 'The container made last'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from attach" -s h -l help -d 'Print help'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from cleanup" -l exec -d 'Accepted for compatibility: processes of exec leave nothing behind' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from cleanup" -s a -l all -d 'All containers that do not run'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from cleanup" -s l -l latest -d 'The container made last'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from cleanup" -l rm -d 'Remove them too'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from cleanup" -l rmi -d 'With --rm: remove their images too, unless others need them'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from cleanup" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from clone" -l name -d 'Name of the new container' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from clone" -s m -l memory -d 'Memory limit' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from clone" -l memory-swap -d 'Memory and swap together, -1 for as much swap as there is; twice the memory limit if it is not given' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from clone" -l memory-reservation -d 'Memory that is taken from the container last' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from clone" -l cpus -d 'Number of processors, such as 1.5' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from clone" -s c -l cpu-shares -d 'Weight beside others when processors are busy, from 2 to 262144, where 1024 is usual' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from clone" -l cpu-period -d 'Microseconds for which --cpu-quota counts; 100000 if it is not given' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from clone" -l cpu-quota -d 'Microseconds of processor time in each period' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from clone" -l cpuset-cpus -d 'Processors to run on, such as 0-2,4' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from clone" -l cpuset-mems -d 'Memory nodes to take memory from, such as 0,1' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from clone" -l pids-limit -d 'Number of processes; -1 for no limit' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from clone" -l blkio-weight -d 'Weight beside others when block devices are busy, from 10 to 1000' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from clone" -l blkio-weight-device -d 'The same for one device' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from clone" -l device-read-bps -d 'Bytes read from a device in a second' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from clone" -l device-read-iops -d 'Reads from a device in a second' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from clone" -l device-write-bps -d 'Bytes written to a device in a second' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from clone" -l device-write-iops -d 'Writes to a device in a second' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from clone" -l cgroup-conf -d 'Value for a file of the control group, such as memory.high=1G' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from clone" -l destroy -d 'Remove the other container'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from clone" -s f -l force -d 'With --destroy: kill it first if it runs'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from clone" -l run -d 'Start the new container in the background'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from clone" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from create" -l name -d 'Name of the container; one is made up if none is given' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from create" -l cidfile -d 'Write the container\'s identifier to a file that does not exist yet' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from create" -l pidfile -d 'Write the process identifier of the container\'s first process to a file' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from create" -s l -l label -d 'Add a label' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from create" -l label-file -d 'Read labels from a file, one a line' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from create" -l annotation -d 'Add an annotation' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from create" -l requires -d 'Containers that are started before it, by name or identifier' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from create" -l restart -d 'When to start the container again: no, on-failure[:TIMES], always or unless-stopped' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from create" -l stop-signal -d 'Signal that asks the container to stop' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from create" -l stop-timeout -d 'Seconds to wait after that signal before killing' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from create" -l timeout -d 'Kill the container after so many seconds' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from create" -l exit-report -d 'Write how the container ended to a file, as JSON' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from create" -l conmon-pidfile -d 'Write the process identifier of the container\'s monitor to a file' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from create" -l sdnotify -d 'Who tells the service manager of $NOTIFY_SOCKET that the container is ready: container, conmon, healthy or ignore' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from create" -l init -d 'Run our own small init as the first process, which reaps what others leave behind' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from create" -l init-path -d 'With --init: run this program of the host instead of our own' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from create" -l log-driver -d 'Where output goes: json-file, k8s-file, journald, passthrough, passthrough-tty or none' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from create" -l log-opt -d 'Option of the log: path=FILE, max-size=SIZE, max-file=NUMBER, tag=TEXT, labels=KEY,..., env=NAME,... or label=KEY=VALUE' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from create" -l health-cmd -d 'Check health by a command: a line for the shell, or a JSON list of words; "none" for no check' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from create" -l health-interval -d 'Time between checks; "disable" checks only when asked to' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from create" -l health-timeout -d 'Time that a check may take' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from create" -l health-retries -d 'Failures in a row that make the container unhealthy' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from create" -l health-start-period -d 'Time at the start in which failures do not count' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from create" -l health-start-interval -d 'Time between checks in that time' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from create" -l health-on-failure -d 'What to do when the container becomes unhealthy: none, kill, restart or stop' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from create" -l health-startup-cmd -d 'Command that has to succeed before health is checked' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from create" -l health-startup-interval -d 'Time between runs of the startup command' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from create" -l health-startup-timeout -d 'Time that the startup command may take' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from create" -l health-startup-retries -d 'Failures in a row after which the container starts anew; 0 for never' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from create" -l health-startup-success -d 'Successes of the startup command that it takes' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from create" -l health-log-destination -d 'Where results are to be found besides: local, events_logger, or a directory' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from create" -l health-max-log-count -d 'Results that are kept; 0 for the most there may be, which is 100' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from create" -l health-max-log-size -d 'Bytes of output that are kept of a check; 0 for the most there may be, which is 64 KiB' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from create" -l pull -d 'When to fetch the image from its registry: always, missing, newer or never' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from create" -l platform -d 'Platform of the image' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from create" -l arch -d 'Architecture of the image' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from create" -l os -d 'Operating system of the image' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from create" -l variant -d 'Variant of the architecture of the image' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from create" -l authfile -d 'File with credentials' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from create" -l cert-dir -d 'Directory with certificates for the registry: *.crt, *.cert and *.key' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from create" -l tls-verify -d 'Whether to insist on encryption and a valid certificate' -r -f -a "true\t''
false\t''"
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from create" -l creds -d 'User name and password for the registry' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from create" -l retry -d 'Tries after what failed when performing pull (default 3)' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from create" -l retry-delay -d 'Wait after pull failures (default "1s"), doubled each time' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from create" -l signature-policy -d 'File with the signature policy for what is fetched, instead of policy.json' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from create" -l image-volume -d 'How to provide the volumes of the image: anonymous, tmpfs or ignore' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from create" -s a -l attach -d 'Connect to a stream: stdin, stdout or stderr' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from create" -s e -l env -d 'Set an environment variable; NAME alone copies it, NAME* copies all that begin so' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from create" -l env-file -d 'Read environment variables from a file, one a line' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from create" -l env-host -d 'Copy the whole environment of the caller' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from create" -l env-merge -d 'Set a variable to a value in which ${NAME} is a variable of the image' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from create" -l http-proxy -d 'Copy the caller\'s variables for proxies, which is the default' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from create" -l unsetenv -d 'Remove a variable of the image or of coracle' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from create" -l entrypoint -d 'Program to run instead of the image\'s; a JSON list is taken apart' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from create" -s w -l workdir -d 'Directory to start in' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from create" -s u -l user -d 'User to run as' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from create" -l group-add -d 'Add a supplementary group' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from create" -l systemd -d 'Whether the container is prepared for systemd: true, where its command is that, which is the default, always or false' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from create" -l shm-size-systemd -d 'Size of each temporary file system that systemd gets' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from create" -l tz -d 'Time zone, such as Europe/Berlin; "local" for the host\'s' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from create" -l umask -d 'File mode creation mask, in octal' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from create" -s v -l volume -d 'Mount a volume or a directory of the host' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from create" -l mount -d 'Mount something: type=bind, volume or tmpfs' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from create" -l tmpfs -d 'Mount a temporary file system' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from create" -l read-only -d 'Make the root file system read-only' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from create" -l read-only-tmpfs -d 'With --read-only: keep /run, /tmp and /var/tmp writable' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from create" -l shm-size -d 'Size of /dev/shm' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from create" -l cap-add -d 'Add a capability' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from create" -l cap-drop -d 'Drop a capability, or all' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from create" -l privileged -d 'Give all capabilities and devices that the caller has' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from create" -l security-opt -d 'no-new-privileges, seccomp=FILE, seccomp=unconfined, mask=PATHS, unmask=PATHS' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from create" -l userns -d 'User namespace: host, which is the default' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from create" -l pid -d 'PID namespace: private or host' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from create" -l ipc -d 'IPC namespace: private or host' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from create" -l uts -d 'UTS namespace: private or host' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from create" -l cgroupns -d 'Control group namespace: private or host' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from create" -l network -l net -d 'Network: none, which is the default, or host' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from create" -s h -l hostname -d 'Host name; the short identifier if none is given' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from create" -l domainname -d 'Domain name' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from create" -l add-host -d 'Add a line to /etc/hosts' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from create" -l no-hosts -d 'Leave /etc/hosts of the image as it is' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from create" -l dns -d 'Name server to put into /etc/resolv.conf' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from create" -l dns-search -d 'Search domain to put into /etc/resolv.conf' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from create" -l dns-option -l dns-opt -d 'Option to put into /etc/resolv.conf' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from create" -l expose -d 'Note a port the container listens on' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from create" -s m -l memory -d 'Memory limit' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from create" -l memory-swap -d 'Memory and swap together, -1 for as much swap as there is; twice the memory limit if it is not given' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from create" -l memory-reservation -d 'Memory that is taken from the container last' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from create" -l cpus -d 'Number of processors, such as 1.5' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from create" -s c -l cpu-shares -d 'Weight beside others when processors are busy, from 2 to 262144, where 1024 is usual' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from create" -l cpu-period -d 'Microseconds for which --cpu-quota counts; 100000 if it is not given' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from create" -l cpu-quota -d 'Microseconds of processor time in each period' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from create" -l cpuset-cpus -d 'Processors to run on, such as 0-2,4' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from create" -l cpuset-mems -d 'Memory nodes to take memory from, such as 0,1' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from create" -l pids-limit -d 'Number of processes; -1 for no limit' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from create" -l blkio-weight -d 'Weight beside others when block devices are busy, from 10 to 1000' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from create" -l blkio-weight-device -d 'The same for one device' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from create" -l device-read-bps -d 'Bytes read from a device in a second' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from create" -l device-read-iops -d 'Reads from a device in a second' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from create" -l device-write-bps -d 'Bytes written to a device in a second' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from create" -l device-write-iops -d 'Writes to a device in a second' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from create" -l cgroup-conf -d 'Value for a file of the control group, such as memory.high=1G' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from create" -l cgroups -d 'Control group: enabled, no-conmon and split, which are the same, or disabled for that of the caller' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from create" -l ulimit -d 'Resource limit' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from create" -l sysctl -d 'Kernel parameter of a namespace of the container' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from create" -l oom-score-adj -d 'How soon the kernel kills the container when memory runs out, from -1000 to 1000' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from create" -l help -d 'Print help'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from create" -l replace -d 'Remove an existing container of that name first'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from create" -l rm -d 'Remove the container as soon as it has ended'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from create" -s q -l quiet -d 'Print no progress'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from create" -l no-healthcheck -d 'Do not run the health check of the image'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from create" -l rootfs -d 'The first argument is a directory that holds the root file system; DIR:O keeps changes apart'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from create" -s i -l interactive -d 'Keep standard input open'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from create" -s t -l tty -d 'Give the container a terminal'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from create" -l unsetenv-all -d 'Remove all variables of the image and of coracle'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from diff" -l format -d 'Print as "json"' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from diff" -s l -l latest -d 'The container made last'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from diff" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from exec" -s e -l env -d 'Set an environment variable; NAME alone copies it, NAME* copies all that begin so' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from exec" -l env-file -d 'Read environment variables from a file, one a line' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from exec" -s u -l user -d 'User to run as' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from exec" -s w -l workdir -d 'Directory to start in' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from exec" -l detach-keys -d 'Keys that detach, such as ctrl-p,ctrl-q' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from exec" -l preserve-fds -d 'Pass on so many file descriptors, from 3 on' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from exec" -l preserve-fd -d 'Pass on these file descriptors' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from exec" -l cidfile -d 'Read the container\'s identifier from a file; all arguments are the command' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from exec" -s d -l detach -d 'Start in the background'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from exec" -s i -l interactive -d 'Keep standard input open'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from exec" -s t -l tty -d 'Give the command a terminal'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from exec" -l privileged -d 'Give all capabilities'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from exec" -s l -l latest -d 'The container made last; all arguments are the command'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from exec" -s h -l help -d 'Print help'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from exists" -l external -d 'Accepted for compatibility: there are no containers of other programs'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from exists" -s h -l help -d 'Print help'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from export" -s o -l output -d 'File to write instead of standard output' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from export" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from init" -s a -l all -d 'All containers; those that run stay as they are'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from init" -s l -l latest -d 'The container made last'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from init" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from inspect" -s f -l format -d 'Print by a Go template' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from inspect" -s t -l type -d 'What the names mean: container, image, volume or all' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from inspect" -l platform -d 'Platform that the image is expected to be for; of a list, the one whose image is meant' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from inspect" -s s -l size -d 'Add the sizes of a container\'s files'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from inspect" -s l -l latest -d 'The container made last'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from inspect" -s h -l help -d 'Print help'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from kill" -s s -l signal -d 'Signal to send' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from kill" -l cidfile -d 'Containers whose identifiers are in a file' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from kill" -s a -l all -d 'All containers'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from kill" -s l -l latest -d 'The container made last'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from kill" -s h -l help -d 'Print help'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from logs" -l since -d 'Only lines after this time: a date, a number of seconds, or a time ago such as 10m' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from logs" -l until -d 'Only lines before this time; with --follow, 10m is in ten minutes' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from logs" -s n -l tail -d 'Only the last lines; -n without a number prints the names of the containers' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from logs" -s f -l follow -d 'Go on with what the container writes'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from logs" -s t -l timestamps -d 'Put the time before each line'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from logs" -l details -d 'Put what the log says of the container before each line: its tag, labels and variables, by --log-opt'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from logs" -l names -d 'Put the name of the container before each line; of several containers it is else the identifier'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from logs" -l color -d 'Give each container a colour of its own'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from logs" -s l -l latest -d 'The container made last'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from logs" -s h -l help -d 'Print help'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from ls" -s f -l filter -d 'Only containers that fit' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from ls" -l format -d 'Print by a Go template, as "table TEMPLATE", or as "json"' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from ls" -s n -l last -d 'Show the containers made last, running or not' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from ls" -s w -l watch -d 'Print the list anew each so many seconds' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from ls" -l sort -d 'Order by command, created, id, image, names, runningfor, size or status' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from ls" -s a -l all -d 'Show all containers, not only those that run'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from ls" -s l -l latest -d 'Show the container made last, running or not'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from ls" -l no-trunc -d 'Do not shorten anything'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from ls" -s q -l quiet -d 'Print identifiers only'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from ls" -s s -l size -d 'Show the sizes of the containers\' own files'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from ls" -l noheading -d 'Print no heading'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from ls" -l namespace -l ns -d 'Show the namespaces of the containers, by the numbers that /proc has'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from ls" -s h -l help -d 'Print help'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from list" -s f -l filter -d 'Only containers that fit' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from list" -l format -d 'Print by a Go template, as "table TEMPLATE", or as "json"' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from list" -s n -l last -d 'Show the containers made last, running or not' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from list" -s w -l watch -d 'Print the list anew each so many seconds' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from list" -l sort -d 'Order by command, created, id, image, names, runningfor, size or status' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from list" -s a -l all -d 'Show all containers, not only those that run'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from list" -s l -l latest -d 'Show the container made last, running or not'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from list" -l no-trunc -d 'Do not shorten anything'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from list" -s q -l quiet -d 'Print identifiers only'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from list" -s s -l size -d 'Show the sizes of the containers\' own files'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from list" -l noheading -d 'Print no heading'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from list" -l namespace -l ns -d 'Show the namespaces of the containers, by the numbers that /proc has'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from list" -s h -l help -d 'Print help'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from ps" -s f -l filter -d 'Only containers that fit' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from ps" -l format -d 'Print by a Go template, as "table TEMPLATE", or as "json"' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from ps" -s n -l last -d 'Show the containers made last, running or not' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from ps" -s w -l watch -d 'Print the list anew each so many seconds' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from ps" -l sort -d 'Order by command, created, id, image, names, runningfor, size or status' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from ps" -s a -l all -d 'Show all containers, not only those that run'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from ps" -s l -l latest -d 'Show the container made last, running or not'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from ps" -l no-trunc -d 'Do not shorten anything'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from ps" -s q -l quiet -d 'Print identifiers only'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from ps" -s s -l size -d 'Show the sizes of the containers\' own files'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from ps" -l noheading -d 'Print no heading'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from ps" -l namespace -l ns -d 'Show the namespaces of the containers, by the numbers that /proc has'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from ps" -s h -l help -d 'Print help'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from pause" -s f -l filter -d 'Of the containers that run, those that fit' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from pause" -l cidfile -d 'Containers whose identifiers are in a file' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from pause" -s a -l all -d 'All containers'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from pause" -s l -l latest -d 'The container made last'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from pause" -s h -l help -d 'Print help'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from port" -s a -l all -d 'All containers'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from port" -s l -l latest -d 'The container made last'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from port" -s h -l help -d 'Print help'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from prune" -l filter -d 'Only containers that fit: label, label! or until' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from prune" -s f -l force -d 'Do not ask'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from prune" -l dry-run -d 'Only print what would be removed'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from prune" -s h -l help -d 'Print help'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from rename" -s h -l help -d 'Print help'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from restart" -s t -l time -l timeout -d 'Seconds to wait before killing' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from restart" -s s -l signal -d 'Signal to send instead of the container\'s own' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from restart" -s f -l filter -d 'Containers that fit' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from restart" -l cidfile -d 'Containers whose identifiers are in a file' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from restart" -l running -d 'Only containers that run'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from restart" -s a -l all -d 'All containers'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from restart" -s l -l latest -d 'The container made last'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from restart" -s h -l help -d 'Print help'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from rm" -s t -l time -d 'With --force: seconds to wait before killing' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from rm" -l filter -d 'Containers that fit' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from rm" -l cidfile -d 'Containers whose identifiers are in a file' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from rm" -s f -l force -d 'Kill running containers first, and say nothing of those that are not there'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from rm" -s v -l volumes -d 'Remove the anonymous volumes of the container too'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from rm" -l depend -d 'Remove containers that require these too, as --all does'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from rm" -s i -l ignore -d 'Say nothing of containers that are not there'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from rm" -s a -l all -d 'All containers'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from rm" -s l -l latest -d 'The container made last'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from rm" -s h -l help -d 'Print help'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from remove" -s t -l time -d 'With --force: seconds to wait before killing' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from remove" -l filter -d 'Containers that fit' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from remove" -l cidfile -d 'Containers whose identifiers are in a file' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from remove" -s f -l force -d 'Kill running containers first, and say nothing of those that are not there'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from remove" -s v -l volumes -d 'Remove the anonymous volumes of the container too'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from remove" -l depend -d 'Remove containers that require these too, as --all does'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from remove" -s i -l ignore -d 'Say nothing of containers that are not there'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from remove" -s a -l all -d 'All containers'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from remove" -s l -l latest -d 'The container made last'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from remove" -s h -l help -d 'Print help'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -l guard -d 'End the container when this command ends, even if it is killed; the default where $CI is set' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -l detach-keys -d 'Keys that detach from the container, such as ctrl-p,ctrl-q' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -l sig-proxy -d 'Pass signals on to the container' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -l preserve-fds -d 'Pass on so many file descriptors, from 3 on' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -l preserve-fd -d 'Pass on these file descriptors' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -l name -d 'Name of the container; one is made up if none is given' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -l cidfile -d 'Write the container\'s identifier to a file that does not exist yet' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -l pidfile -d 'Write the process identifier of the container\'s first process to a file' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -s l -l label -d 'Add a label' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -l label-file -d 'Read labels from a file, one a line' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -l annotation -d 'Add an annotation' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -l requires -d 'Containers that are started before it, by name or identifier' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -l restart -d 'When to start the container again: no, on-failure[:TIMES], always or unless-stopped' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -l stop-signal -d 'Signal that asks the container to stop' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -l stop-timeout -d 'Seconds to wait after that signal before killing' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -l timeout -d 'Kill the container after so many seconds' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -l exit-report -d 'Write how the container ended to a file, as JSON' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -l conmon-pidfile -d 'Write the process identifier of the container\'s monitor to a file' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -l sdnotify -d 'Who tells the service manager of $NOTIFY_SOCKET that the container is ready: container, conmon, healthy or ignore' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -l init -d 'Run our own small init as the first process, which reaps what others leave behind' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -l init-path -d 'With --init: run this program of the host instead of our own' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -l log-driver -d 'Where output goes: json-file, k8s-file, journald, passthrough, passthrough-tty or none' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -l log-opt -d 'Option of the log: path=FILE, max-size=SIZE, max-file=NUMBER, tag=TEXT, labels=KEY,..., env=NAME,... or label=KEY=VALUE' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -l health-cmd -d 'Check health by a command: a line for the shell, or a JSON list of words; "none" for no check' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -l health-interval -d 'Time between checks; "disable" checks only when asked to' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -l health-timeout -d 'Time that a check may take' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -l health-retries -d 'Failures in a row that make the container unhealthy' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -l health-start-period -d 'Time at the start in which failures do not count' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -l health-start-interval -d 'Time between checks in that time' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -l health-on-failure -d 'What to do when the container becomes unhealthy: none, kill, restart or stop' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -l health-startup-cmd -d 'Command that has to succeed before health is checked' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -l health-startup-interval -d 'Time between runs of the startup command' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -l health-startup-timeout -d 'Time that the startup command may take' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -l health-startup-retries -d 'Failures in a row after which the container starts anew; 0 for never' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -l health-startup-success -d 'Successes of the startup command that it takes' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -l health-log-destination -d 'Where results are to be found besides: local, events_logger, or a directory' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -l health-max-log-count -d 'Results that are kept; 0 for the most there may be, which is 100' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -l health-max-log-size -d 'Bytes of output that are kept of a check; 0 for the most there may be, which is 64 KiB' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -l pull -d 'When to fetch the image from its registry: always, missing, newer or never' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -l platform -d 'Platform of the image' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -l arch -d 'Architecture of the image' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -l os -d 'Operating system of the image' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -l variant -d 'Variant of the architecture of the image' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -l authfile -d 'File with credentials' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -l cert-dir -d 'Directory with certificates for the registry: *.crt, *.cert and *.key' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -l tls-verify -d 'Whether to insist on encryption and a valid certificate' -r -f -a "true\t''
false\t''"
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -l creds -d 'User name and password for the registry' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -l retry -d 'Tries after what failed when performing pull (default 3)' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -l retry-delay -d 'Wait after pull failures (default "1s"), doubled each time' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -l signature-policy -d 'File with the signature policy for what is fetched, instead of policy.json' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -l image-volume -d 'How to provide the volumes of the image: anonymous, tmpfs or ignore' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -s a -l attach -d 'Connect to a stream: stdin, stdout or stderr' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -s e -l env -d 'Set an environment variable; NAME alone copies it, NAME* copies all that begin so' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -l env-file -d 'Read environment variables from a file, one a line' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -l env-host -d 'Copy the whole environment of the caller' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -l env-merge -d 'Set a variable to a value in which ${NAME} is a variable of the image' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -l http-proxy -d 'Copy the caller\'s variables for proxies, which is the default' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -l unsetenv -d 'Remove a variable of the image or of coracle' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -l entrypoint -d 'Program to run instead of the image\'s; a JSON list is taken apart' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -s w -l workdir -d 'Directory to start in' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -s u -l user -d 'User to run as' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -l group-add -d 'Add a supplementary group' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -l systemd -d 'Whether the container is prepared for systemd: true, where its command is that, which is the default, always or false' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -l shm-size-systemd -d 'Size of each temporary file system that systemd gets' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -l tz -d 'Time zone, such as Europe/Berlin; "local" for the host\'s' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -l umask -d 'File mode creation mask, in octal' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -s v -l volume -d 'Mount a volume or a directory of the host' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -l mount -d 'Mount something: type=bind, volume or tmpfs' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -l tmpfs -d 'Mount a temporary file system' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -l read-only -d 'Make the root file system read-only' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -l read-only-tmpfs -d 'With --read-only: keep /run, /tmp and /var/tmp writable' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -l shm-size -d 'Size of /dev/shm' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -l cap-add -d 'Add a capability' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -l cap-drop -d 'Drop a capability, or all' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -l privileged -d 'Give all capabilities and devices that the caller has' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -l security-opt -d 'no-new-privileges, seccomp=FILE, seccomp=unconfined, mask=PATHS, unmask=PATHS' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -l userns -d 'User namespace: host, which is the default' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -l pid -d 'PID namespace: private or host' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -l ipc -d 'IPC namespace: private or host' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -l uts -d 'UTS namespace: private or host' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -l cgroupns -d 'Control group namespace: private or host' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -l network -l net -d 'Network: none, which is the default, or host' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -s h -l hostname -d 'Host name; the short identifier if none is given' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -l domainname -d 'Domain name' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -l add-host -d 'Add a line to /etc/hosts' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -l no-hosts -d 'Leave /etc/hosts of the image as it is' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -l dns -d 'Name server to put into /etc/resolv.conf' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -l dns-search -d 'Search domain to put into /etc/resolv.conf' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -l dns-option -l dns-opt -d 'Option to put into /etc/resolv.conf' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -l expose -d 'Note a port the container listens on' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -s m -l memory -d 'Memory limit' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -l memory-swap -d 'Memory and swap together, -1 for as much swap as there is; twice the memory limit if it is not given' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -l memory-reservation -d 'Memory that is taken from the container last' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -l cpus -d 'Number of processors, such as 1.5' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -s c -l cpu-shares -d 'Weight beside others when processors are busy, from 2 to 262144, where 1024 is usual' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -l cpu-period -d 'Microseconds for which --cpu-quota counts; 100000 if it is not given' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -l cpu-quota -d 'Microseconds of processor time in each period' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -l cpuset-cpus -d 'Processors to run on, such as 0-2,4' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -l cpuset-mems -d 'Memory nodes to take memory from, such as 0,1' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -l pids-limit -d 'Number of processes; -1 for no limit' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -l blkio-weight -d 'Weight beside others when block devices are busy, from 10 to 1000' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -l blkio-weight-device -d 'The same for one device' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -l device-read-bps -d 'Bytes read from a device in a second' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -l device-read-iops -d 'Reads from a device in a second' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -l device-write-bps -d 'Bytes written to a device in a second' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -l device-write-iops -d 'Writes to a device in a second' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -l cgroup-conf -d 'Value for a file of the control group, such as memory.high=1G' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -l cgroups -d 'Control group: enabled, no-conmon and split, which are the same, or disabled for that of the caller' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -l ulimit -d 'Resource limit' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -l sysctl -d 'Kernel parameter of a namespace of the container' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -l oom-score-adj -d 'How soon the kernel kills the container when memory runs out, from -1000 to 1000' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -l help -d 'Print help'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -s d -l detach -d 'Start in the background and print the identifier'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -l rmi -d 'Remove the container, and then the image unless something else needs it'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -l replace -d 'Remove an existing container of that name first'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -l rm -d 'Remove the container as soon as it has ended'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -s q -l quiet -d 'Print no progress'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -l no-healthcheck -d 'Do not run the health check of the image'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -l rootfs -d 'The first argument is a directory that holds the root file system; DIR:O keeps changes apart'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -s i -l interactive -d 'Keep standard input open'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -s t -l tty -d 'Give the container a terminal'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -l unsetenv-all -d 'Remove all variables of the image and of coracle'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from start" -l detach-keys -d 'Keys that detach from the container, such as ctrl-p,ctrl-q' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from start" -l sig-proxy -d 'Pass signals on to the container' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from start" -s f -l filter -d 'Containers that fit' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from start" -s a -l attach -d 'Stay connected to the container, and end with its exit status'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from start" -s i -l interactive -d 'Connect standard input too'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from start" -l all -d 'All containers'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from start" -s l -l latest -d 'The container made last'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from start" -s h -l help -d 'Print help'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from stats" -l format -d 'Print by a Go template, as "table TEMPLATE", or as "json"' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from stats" -s i -l interval -d 'Seconds between two looks' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from stats" -s a -l all -d 'Show all containers, not only those that run'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from stats" -l no-stream -d 'Show it once'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from stats" -l no-trunc -d 'Do not shorten anything'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from stats" -l no-reset -d 'On a terminal: print below what was printed before, instead of over it'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from stats" -s l -l latest -d 'The container made last'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from stats" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from stop" -s t -l time -l timeout -d 'Seconds to wait before killing; -1 waits for ever' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from stop" -s s -l signal -d 'Signal to send instead of the container\'s own' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from stop" -s f -l filter -d 'Containers that fit' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from stop" -l cidfile -d 'Containers whose identifiers are in a file' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from stop" -s i -l ignore -d 'Say nothing of containers that are not there'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from stop" -s a -l all -d 'All containers'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from stop" -s l -l latest -d 'The container made last'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from stop" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from top" -s l -l latest -d 'The container made last; all arguments are descriptors'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from top" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from unpause" -s f -l filter -d 'Of the paused containers, those that fit' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from unpause" -l cidfile -d 'Containers whose identifiers are in a file' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from unpause" -s a -l all -d 'All containers'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from unpause" -s l -l latest -d 'The container made last'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from unpause" -s h -l help -d 'Print help'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from update" -l restart -d 'When it starts again by itself: no, on-failure[:TIMES], always or unless-stopped' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from update" -s e -l env -d 'Set an environment variable; NAME alone copies it, NAME* copies all that begin so' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from update" -l unsetenv -d 'Remove a variable' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from update" -s m -l memory -d 'Memory limit' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from update" -l memory-swap -d 'Memory and swap together, -1 for as much swap as there is; twice the memory limit if it is not given' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from update" -l memory-reservation -d 'Memory that is taken from the container last' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from update" -l cpus -d 'Number of processors, such as 1.5' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from update" -s c -l cpu-shares -d 'Weight beside others when processors are busy, from 2 to 262144, where 1024 is usual' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from update" -l cpu-period -d 'Microseconds for which --cpu-quota counts; 100000 if it is not given' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from update" -l cpu-quota -d 'Microseconds of processor time in each period' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from update" -l cpuset-cpus -d 'Processors to run on, such as 0-2,4' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from update" -l cpuset-mems -d 'Memory nodes to take memory from, such as 0,1' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from update" -l pids-limit -d 'Number of processes; -1 for no limit' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from update" -l blkio-weight -d 'Weight beside others when block devices are busy, from 10 to 1000' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from update" -l blkio-weight-device -d 'The same for one device' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from update" -l device-read-bps -d 'Bytes read from a device in a second' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from update" -l device-read-iops -d 'Reads from a device in a second' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from update" -l device-write-bps -d 'Bytes written to a device in a second' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from update" -l device-write-iops -d 'Writes to a device in a second' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from update" -l cgroup-conf -d 'Value for a file of the control group, such as memory.high=1G' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from update" -l health-cmd -d 'Check health by a command: a line for the shell, or a JSON list of words; "none" for no check' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from update" -l health-interval -d 'Time between checks; "disable" checks only when asked to' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from update" -l health-timeout -d 'Time that a check may take' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from update" -l health-retries -d 'Failures in a row that make the container unhealthy' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from update" -l health-start-period -d 'Time at the start in which failures do not count' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from update" -l health-start-interval -d 'Time between checks in that time' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from update" -l health-on-failure -d 'What to do when the container becomes unhealthy: none, kill, restart or stop' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from update" -l health-startup-cmd -d 'Command that has to succeed before health is checked' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from update" -l health-startup-interval -d 'Time between runs of the startup command' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from update" -l health-startup-timeout -d 'Time that the startup command may take' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from update" -l health-startup-retries -d 'Failures in a row after which the container starts anew; 0 for never' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from update" -l health-startup-success -d 'Successes of the startup command that it takes' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from update" -l health-log-destination -d 'Where results are to be found besides: local, events_logger, or a directory' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from update" -l health-max-log-count -d 'Results that are kept; 0 for the most there may be, which is 100' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from update" -l health-max-log-size -d 'Bytes of output that are kept of a check; 0 for the most there may be, which is 64 KiB' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from update" -s l -l latest -d 'The container made last'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from update" -l no-healthcheck -d 'Do not run the health check of the image'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from update" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from wait" -l condition -d 'What to wait for' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from wait" -s i -l interval -d 'Accepted for compatibility: there is no interval, since nothing polls' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from wait" -l ignore -d 'Say nothing of containers that are not there'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from wait" -l exit-first-match -d 'End when the first container has reached the state'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from wait" -s l -l latest -d 'The container made last'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from wait" -s h -l help -d 'Print help'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from help" -f -a "attach"
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from help" -f -a "cleanup"
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from help" -f -a "clone"
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from help" -f -a "create"
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from help" -f -a "diff"
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from help" -f -a "exec"
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from help" -f -a "exists"
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from help" -f -a "export"
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from help" -f -a "init"
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from help" -f -a "inspect"
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from help" -f -a "kill"
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from help" -f -a "logs"
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from help" -f -a "ls"
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from help" -f -a "pause"
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from help" -f -a "port"
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from help" -f -a "prune"
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from help" -f -a "rename"
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from help" -f -a "restart"
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from help" -f -a "rm"
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from help" -f -a "run"
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from help" -f -a "start"
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from help" -f -a "stats"
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from help" -f -a "stop"
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from help" -f -a "top"
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from help" -f -a "unpause"
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from help" -f -a "update"
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from help" -f -a "wait"
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c coracle -n "__fish_coracle_using_subcommand create" -l name -d 'Name of the container; one is made up if none is given' -r
complete -c coracle -n "__fish_coracle_using_subcommand create" -l cidfile -d 'Write the container\'s identifier to a file that does not exist yet' -r
complete -c coracle -n "__fish_coracle_using_subcommand create" -l pidfile -d 'Write the process identifier of the container\'s first process to a file' -r
complete -c coracle -n "__fish_coracle_using_subcommand create" -s l -l label -d 'Add a label' -r
complete -c coracle -n "__fish_coracle_using_subcommand create" -l label-file -d 'Read labels from a file, one a line' -r
complete -c coracle -n "__fish_coracle_using_subcommand create" -l annotation -d 'Add an annotation' -r
complete -c coracle -n "__fish_coracle_using_subcommand create" -l requires -d 'Containers that are started before it, by name or identifier' -r
complete -c coracle -n "__fish_coracle_using_subcommand create" -l restart -d 'When to start the container again: no, on-failure[:TIMES], always or unless-stopped' -r
complete -c coracle -n "__fish_coracle_using_subcommand create" -l stop-signal -d 'Signal that asks the container to stop' -r
complete -c coracle -n "__fish_coracle_using_subcommand create" -l stop-timeout -d 'Seconds to wait after that signal before killing' -r
complete -c coracle -n "__fish_coracle_using_subcommand create" -l timeout -d 'Kill the container after so many seconds' -r
complete -c coracle -n "__fish_coracle_using_subcommand create" -l exit-report -d 'Write how the container ended to a file, as JSON' -r
complete -c coracle -n "__fish_coracle_using_subcommand create" -l conmon-pidfile -d 'Write the process identifier of the container\'s monitor to a file' -r
complete -c coracle -n "__fish_coracle_using_subcommand create" -l sdnotify -d 'Who tells the service manager of $NOTIFY_SOCKET that the container is ready: container, conmon, healthy or ignore' -r
complete -c coracle -n "__fish_coracle_using_subcommand create" -l init -d 'Run our own small init as the first process, which reaps what others leave behind' -r
complete -c coracle -n "__fish_coracle_using_subcommand create" -l init-path -d 'With --init: run this program of the host instead of our own' -r
complete -c coracle -n "__fish_coracle_using_subcommand create" -l log-driver -d 'Where output goes: json-file, k8s-file, journald, passthrough, passthrough-tty or none' -r
complete -c coracle -n "__fish_coracle_using_subcommand create" -l log-opt -d 'Option of the log: path=FILE, max-size=SIZE, max-file=NUMBER, tag=TEXT, labels=KEY,..., env=NAME,... or label=KEY=VALUE' -r
complete -c coracle -n "__fish_coracle_using_subcommand create" -l health-cmd -d 'Check health by a command: a line for the shell, or a JSON list of words; "none" for no check' -r
complete -c coracle -n "__fish_coracle_using_subcommand create" -l health-interval -d 'Time between checks; "disable" checks only when asked to' -r
complete -c coracle -n "__fish_coracle_using_subcommand create" -l health-timeout -d 'Time that a check may take' -r
complete -c coracle -n "__fish_coracle_using_subcommand create" -l health-retries -d 'Failures in a row that make the container unhealthy' -r
complete -c coracle -n "__fish_coracle_using_subcommand create" -l health-start-period -d 'Time at the start in which failures do not count' -r
complete -c coracle -n "__fish_coracle_using_subcommand create" -l health-start-interval -d 'Time between checks in that time' -r
complete -c coracle -n "__fish_coracle_using_subcommand create" -l health-on-failure -d 'What to do when the container becomes unhealthy: none, kill, restart or stop' -r
complete -c coracle -n "__fish_coracle_using_subcommand create" -l health-startup-cmd -d 'Command that has to succeed before health is checked' -r
complete -c coracle -n "__fish_coracle_using_subcommand create" -l health-startup-interval -d 'Time between runs of the startup command' -r
complete -c coracle -n "__fish_coracle_using_subcommand create" -l health-startup-timeout -d 'Time that the startup command may take' -r
complete -c coracle -n "__fish_coracle_using_subcommand create" -l health-startup-retries -d 'Failures in a row after which the container starts anew; 0 for never' -r
complete -c coracle -n "__fish_coracle_using_subcommand create" -l health-startup-success -d 'Successes of the startup command that it takes' -r
complete -c coracle -n "__fish_coracle_using_subcommand create" -l health-log-destination -d 'Where results are to be found besides: local, events_logger, or a directory' -r
complete -c coracle -n "__fish_coracle_using_subcommand create" -l health-max-log-count -d 'Results that are kept; 0 for the most there may be, which is 100' -r
complete -c coracle -n "__fish_coracle_using_subcommand create" -l health-max-log-size -d 'Bytes of output that are kept of a check; 0 for the most there may be, which is 64 KiB' -r
complete -c coracle -n "__fish_coracle_using_subcommand create" -l pull -d 'When to fetch the image from its registry: always, missing, newer or never' -r
complete -c coracle -n "__fish_coracle_using_subcommand create" -l platform -d 'Platform of the image' -r
complete -c coracle -n "__fish_coracle_using_subcommand create" -l arch -d 'Architecture of the image' -r
complete -c coracle -n "__fish_coracle_using_subcommand create" -l os -d 'Operating system of the image' -r
complete -c coracle -n "__fish_coracle_using_subcommand create" -l variant -d 'Variant of the architecture of the image' -r
complete -c coracle -n "__fish_coracle_using_subcommand create" -l authfile -d 'File with credentials' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand create" -l cert-dir -d 'Directory with certificates for the registry: *.crt, *.cert and *.key' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand create" -l tls-verify -d 'Whether to insist on encryption and a valid certificate' -r -f -a "true\t''
false\t''"
complete -c coracle -n "__fish_coracle_using_subcommand create" -l creds -d 'User name and password for the registry' -r
complete -c coracle -n "__fish_coracle_using_subcommand create" -l retry -d 'Tries after what failed when performing pull (default 3)' -r
complete -c coracle -n "__fish_coracle_using_subcommand create" -l retry-delay -d 'Wait after pull failures (default "1s"), doubled each time' -r
complete -c coracle -n "__fish_coracle_using_subcommand create" -l signature-policy -d 'File with the signature policy for what is fetched, instead of policy.json' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand create" -l image-volume -d 'How to provide the volumes of the image: anonymous, tmpfs or ignore' -r
complete -c coracle -n "__fish_coracle_using_subcommand create" -s a -l attach -d 'Connect to a stream: stdin, stdout or stderr' -r
complete -c coracle -n "__fish_coracle_using_subcommand create" -s e -l env -d 'Set an environment variable; NAME alone copies it, NAME* copies all that begin so' -r
complete -c coracle -n "__fish_coracle_using_subcommand create" -l env-file -d 'Read environment variables from a file, one a line' -r
complete -c coracle -n "__fish_coracle_using_subcommand create" -l env-host -d 'Copy the whole environment of the caller' -r
complete -c coracle -n "__fish_coracle_using_subcommand create" -l env-merge -d 'Set a variable to a value in which ${NAME} is a variable of the image' -r
complete -c coracle -n "__fish_coracle_using_subcommand create" -l http-proxy -d 'Copy the caller\'s variables for proxies, which is the default' -r
complete -c coracle -n "__fish_coracle_using_subcommand create" -l unsetenv -d 'Remove a variable of the image or of coracle' -r
complete -c coracle -n "__fish_coracle_using_subcommand create" -l entrypoint -d 'Program to run instead of the image\'s; a JSON list is taken apart' -r
complete -c coracle -n "__fish_coracle_using_subcommand create" -s w -l workdir -d 'Directory to start in' -r
complete -c coracle -n "__fish_coracle_using_subcommand create" -s u -l user -d 'User to run as' -r
complete -c coracle -n "__fish_coracle_using_subcommand create" -l group-add -d 'Add a supplementary group' -r
complete -c coracle -n "__fish_coracle_using_subcommand create" -l systemd -d 'Whether the container is prepared for systemd: true, where its command is that, which is the default, always or false' -r
complete -c coracle -n "__fish_coracle_using_subcommand create" -l shm-size-systemd -d 'Size of each temporary file system that systemd gets' -r
complete -c coracle -n "__fish_coracle_using_subcommand create" -l tz -d 'Time zone, such as Europe/Berlin; "local" for the host\'s' -r
complete -c coracle -n "__fish_coracle_using_subcommand create" -l umask -d 'File mode creation mask, in octal' -r
complete -c coracle -n "__fish_coracle_using_subcommand create" -s v -l volume -d 'Mount a volume or a directory of the host' -r
complete -c coracle -n "__fish_coracle_using_subcommand create" -l mount -d 'Mount something: type=bind, volume or tmpfs' -r
complete -c coracle -n "__fish_coracle_using_subcommand create" -l tmpfs -d 'Mount a temporary file system' -r
complete -c coracle -n "__fish_coracle_using_subcommand create" -l read-only -d 'Make the root file system read-only' -r
complete -c coracle -n "__fish_coracle_using_subcommand create" -l read-only-tmpfs -d 'With --read-only: keep /run, /tmp and /var/tmp writable' -r
complete -c coracle -n "__fish_coracle_using_subcommand create" -l shm-size -d 'Size of /dev/shm' -r
complete -c coracle -n "__fish_coracle_using_subcommand create" -l cap-add -d 'Add a capability' -r
complete -c coracle -n "__fish_coracle_using_subcommand create" -l cap-drop -d 'Drop a capability, or all' -r
complete -c coracle -n "__fish_coracle_using_subcommand create" -l privileged -d 'Give all capabilities and devices that the caller has' -r
complete -c coracle -n "__fish_coracle_using_subcommand create" -l security-opt -d 'no-new-privileges, seccomp=FILE, seccomp=unconfined, mask=PATHS, unmask=PATHS' -r
complete -c coracle -n "__fish_coracle_using_subcommand create" -l userns -d 'User namespace: host, which is the default' -r
complete -c coracle -n "__fish_coracle_using_subcommand create" -l pid -d 'PID namespace: private or host' -r
complete -c coracle -n "__fish_coracle_using_subcommand create" -l ipc -d 'IPC namespace: private or host' -r
complete -c coracle -n "__fish_coracle_using_subcommand create" -l uts -d 'UTS namespace: private or host' -r
complete -c coracle -n "__fish_coracle_using_subcommand create" -l cgroupns -d 'Control group namespace: private or host' -r
complete -c coracle -n "__fish_coracle_using_subcommand create" -l network -l net -d 'Network: none, which is the default, or host' -r
complete -c coracle -n "__fish_coracle_using_subcommand create" -s h -l hostname -d 'Host name; the short identifier if none is given' -r
complete -c coracle -n "__fish_coracle_using_subcommand create" -l domainname -d 'Domain name' -r
complete -c coracle -n "__fish_coracle_using_subcommand create" -l add-host -d 'Add a line to /etc/hosts' -r
complete -c coracle -n "__fish_coracle_using_subcommand create" -l no-hosts -d 'Leave /etc/hosts of the image as it is' -r
complete -c coracle -n "__fish_coracle_using_subcommand create" -l dns -d 'Name server to put into /etc/resolv.conf' -r
complete -c coracle -n "__fish_coracle_using_subcommand create" -l dns-search -d 'Search domain to put into /etc/resolv.conf' -r
complete -c coracle -n "__fish_coracle_using_subcommand create" -l dns-option -l dns-opt -d 'Option to put into /etc/resolv.conf' -r
complete -c coracle -n "__fish_coracle_using_subcommand create" -l expose -d 'Note a port the container listens on' -r
complete -c coracle -n "__fish_coracle_using_subcommand create" -s m -l memory -d 'Memory limit' -r
complete -c coracle -n "__fish_coracle_using_subcommand create" -l memory-swap -d 'Memory and swap together, -1 for as much swap as there is; twice the memory limit if it is not given' -r
complete -c coracle -n "__fish_coracle_using_subcommand create" -l memory-reservation -d 'Memory that is taken from the container last' -r
complete -c coracle -n "__fish_coracle_using_subcommand create" -l cpus -d 'Number of processors, such as 1.5' -r
complete -c coracle -n "__fish_coracle_using_subcommand create" -s c -l cpu-shares -d 'Weight beside others when processors are busy, from 2 to 262144, where 1024 is usual' -r
complete -c coracle -n "__fish_coracle_using_subcommand create" -l cpu-period -d 'Microseconds for which --cpu-quota counts; 100000 if it is not given' -r
complete -c coracle -n "__fish_coracle_using_subcommand create" -l cpu-quota -d 'Microseconds of processor time in each period' -r
complete -c coracle -n "__fish_coracle_using_subcommand create" -l cpuset-cpus -d 'Processors to run on, such as 0-2,4' -r
complete -c coracle -n "__fish_coracle_using_subcommand create" -l cpuset-mems -d 'Memory nodes to take memory from, such as 0,1' -r
complete -c coracle -n "__fish_coracle_using_subcommand create" -l pids-limit -d 'Number of processes; -1 for no limit' -r
complete -c coracle -n "__fish_coracle_using_subcommand create" -l blkio-weight -d 'Weight beside others when block devices are busy, from 10 to 1000' -r
complete -c coracle -n "__fish_coracle_using_subcommand create" -l blkio-weight-device -d 'The same for one device' -r
complete -c coracle -n "__fish_coracle_using_subcommand create" -l device-read-bps -d 'Bytes read from a device in a second' -r
complete -c coracle -n "__fish_coracle_using_subcommand create" -l device-read-iops -d 'Reads from a device in a second' -r
complete -c coracle -n "__fish_coracle_using_subcommand create" -l device-write-bps -d 'Bytes written to a device in a second' -r
complete -c coracle -n "__fish_coracle_using_subcommand create" -l device-write-iops -d 'Writes to a device in a second' -r
complete -c coracle -n "__fish_coracle_using_subcommand create" -l cgroup-conf -d 'Value for a file of the control group, such as memory.high=1G' -r
complete -c coracle -n "__fish_coracle_using_subcommand create" -l cgroups -d 'Control group: enabled, no-conmon and split, which are the same, or disabled for that of the caller' -r
complete -c coracle -n "__fish_coracle_using_subcommand create" -l ulimit -d 'Resource limit' -r
complete -c coracle -n "__fish_coracle_using_subcommand create" -l sysctl -d 'Kernel parameter of a namespace of the container' -r
complete -c coracle -n "__fish_coracle_using_subcommand create" -l oom-score-adj -d 'How soon the kernel kills the container when memory runs out, from -1000 to 1000' -r
complete -c coracle -n "__fish_coracle_using_subcommand create" -l help -d 'Print help'
complete -c coracle -n "__fish_coracle_using_subcommand create" -l replace -d 'Remove an existing container of that name first'
complete -c coracle -n "__fish_coracle_using_subcommand create" -l rm -d 'Remove the container as soon as it has ended'
complete -c coracle -n "__fish_coracle_using_subcommand create" -s q -l quiet -d 'Print no progress'
complete -c coracle -n "__fish_coracle_using_subcommand create" -l no-healthcheck -d 'Do not run the health check of the image'
complete -c coracle -n "__fish_coracle_using_subcommand create" -l rootfs -d 'The first argument is a directory that holds the root file system; DIR:O keeps changes apart'
complete -c coracle -n "__fish_coracle_using_subcommand create" -s i -l interactive -d 'Keep standard input open'
complete -c coracle -n "__fish_coracle_using_subcommand create" -s t -l tty -d 'Give the container a terminal'
complete -c coracle -n "__fish_coracle_using_subcommand create" -l unsetenv-all -d 'Remove all variables of the image and of coracle'
complete -c coracle -n "__fish_coracle_using_subcommand diff" -l format -d 'Print as "json"' -r
complete -c coracle -n "__fish_coracle_using_subcommand diff" -s l -l latest -d 'The container made last'
complete -c coracle -n "__fish_coracle_using_subcommand diff" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c coracle -n "__fish_coracle_using_subcommand doctor" -s f -l format -d 'Print by a Go template, or as "json"' -r
complete -c coracle -n "__fish_coracle_using_subcommand doctor" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c coracle -n "__fish_coracle_using_subcommand events" -s f -l filter -d 'Only events that fit: container, event, image, label, type, volume and more' -r
complete -c coracle -n "__fish_coracle_using_subcommand events" -l format -d 'Print by a Go template, or as "json"' -r
complete -c coracle -n "__fish_coracle_using_subcommand events" -l since -d 'Only events after this time: a date, a number of seconds, or a time ago such as 10m' -r
complete -c coracle -n "__fish_coracle_using_subcommand events" -l until -d 'Only events before this time, which may be to come; without --since, 10m is in ten minutes' -r
complete -c coracle -n "__fish_coracle_using_subcommand events" -l stream -d 'Go on with what happens' -r
complete -c coracle -n "__fish_coracle_using_subcommand events" -l no-trunc -d 'Do not shorten identifiers' -r
complete -c coracle -n "__fish_coracle_using_subcommand events" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c coracle -n "__fish_coracle_using_subcommand exec" -s e -l env -d 'Set an environment variable; NAME alone copies it, NAME* copies all that begin so' -r
complete -c coracle -n "__fish_coracle_using_subcommand exec" -l env-file -d 'Read environment variables from a file, one a line' -r
complete -c coracle -n "__fish_coracle_using_subcommand exec" -s u -l user -d 'User to run as' -r
complete -c coracle -n "__fish_coracle_using_subcommand exec" -s w -l workdir -d 'Directory to start in' -r
complete -c coracle -n "__fish_coracle_using_subcommand exec" -l detach-keys -d 'Keys that detach, such as ctrl-p,ctrl-q' -r
complete -c coracle -n "__fish_coracle_using_subcommand exec" -l preserve-fds -d 'Pass on so many file descriptors, from 3 on' -r
complete -c coracle -n "__fish_coracle_using_subcommand exec" -l preserve-fd -d 'Pass on these file descriptors' -r
complete -c coracle -n "__fish_coracle_using_subcommand exec" -l cidfile -d 'Read the container\'s identifier from a file; all arguments are the command' -r
complete -c coracle -n "__fish_coracle_using_subcommand exec" -s d -l detach -d 'Start in the background'
complete -c coracle -n "__fish_coracle_using_subcommand exec" -s i -l interactive -d 'Keep standard input open'
complete -c coracle -n "__fish_coracle_using_subcommand exec" -s t -l tty -d 'Give the command a terminal'
complete -c coracle -n "__fish_coracle_using_subcommand exec" -l privileged -d 'Give all capabilities'
complete -c coracle -n "__fish_coracle_using_subcommand exec" -s l -l latest -d 'The container made last; all arguments are the command'
complete -c coracle -n "__fish_coracle_using_subcommand exec" -s h -l help -d 'Print help'
complete -c coracle -n "__fish_coracle_using_subcommand export" -s o -l output -d 'File to write instead of standard output' -r
complete -c coracle -n "__fish_coracle_using_subcommand export" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c coracle -n "__fish_coracle_using_subcommand healthcheck; and not __fish_seen_subcommand_from run help" -s h -l help -d 'Print help'
complete -c coracle -n "__fish_coracle_using_subcommand healthcheck; and not __fish_seen_subcommand_from run help" -f -a "run" -d 'Check the health of a running container now'
complete -c coracle -n "__fish_coracle_using_subcommand healthcheck; and not __fish_seen_subcommand_from run help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c coracle -n "__fish_coracle_using_subcommand healthcheck; and __fish_seen_subcommand_from run" -l ignore-result -d 'End with status 0 whatever the result is'
complete -c coracle -n "__fish_coracle_using_subcommand healthcheck; and __fish_seen_subcommand_from run" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c coracle -n "__fish_coracle_using_subcommand healthcheck; and __fish_seen_subcommand_from help" -f -a "run"
complete -c coracle -n "__fish_coracle_using_subcommand healthcheck; and __fish_seen_subcommand_from help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c coracle -n "__fish_coracle_using_subcommand history" -l format -d 'Print by a Go template, as "table TEMPLATE", or as "json"' -r
complete -c coracle -n "__fish_coracle_using_subcommand history" -s H -l human -d 'Print times and sizes for people' -r
complete -c coracle -n "__fish_coracle_using_subcommand history" -l platform -d 'Platform that the image is expected to be for; of a list, the one whose image is meant' -r
complete -c coracle -n "__fish_coracle_using_subcommand history" -l no-trunc -d 'Do not shorten anything'
complete -c coracle -n "__fish_coracle_using_subcommand history" -s q -l quiet -d 'Print identifiers only'
complete -c coracle -n "__fish_coracle_using_subcommand history" -s h -l help -d 'Print help'
complete -c coracle -n "__fish_coracle_using_subcommand image; and not __fish_seen_subcommand_from diff exists history import inspect load ls list mount prune pull push referrers rm remove save search tag tree trust unmount umount untag help" -s h -l help -d 'Print help'
complete -c coracle -n "__fish_coracle_using_subcommand image; and not __fish_seen_subcommand_from diff exists history import inspect load ls list mount prune pull push referrers rm remove save search tag tree trust unmount umount untag help" -f -a "diff" -d 'Show what an image has changed'
complete -c coracle -n "__fish_coracle_using_subcommand image; and not __fish_seen_subcommand_from diff exists history import inspect load ls list mount prune pull push referrers rm remove save search tag tree trust unmount umount untag help" -f -a "exists" -d 'End with status 0 if an image exists, and 1 if it does not'
complete -c coracle -n "__fish_coracle_using_subcommand image; and not __fish_seen_subcommand_from diff exists history import inspect load ls list mount prune pull push referrers rm remove save search tag tree trust unmount umount untag help" -f -a "history" -d 'Show how an image was made'
complete -c coracle -n "__fish_coracle_using_subcommand image; and not __fish_seen_subcommand_from diff exists history import inspect load ls list mount prune pull push referrers rm remove save search tag tree trust unmount umount untag help" -f -a "import" -d 'Make an image of an archive of files'
complete -c coracle -n "__fish_coracle_using_subcommand image; and not __fish_seen_subcommand_from diff exists history import inspect load ls list mount prune pull push referrers rm remove save search tag tree trust unmount umount untag help" -f -a "inspect" -d 'Print everything about images'
complete -c coracle -n "__fish_coracle_using_subcommand image; and not __fish_seen_subcommand_from diff exists history import inspect load ls list mount prune pull push referrers rm remove save search tag tree trust unmount umount untag help" -f -a "load" -d 'Load images from an archive'
complete -c coracle -n "__fish_coracle_using_subcommand image; and not __fish_seen_subcommand_from diff exists history import inspect load ls list mount prune pull push referrers rm remove save search tag tree trust unmount umount untag help" -f -a "ls" -d 'List images'
complete -c coracle -n "__fish_coracle_using_subcommand image; and not __fish_seen_subcommand_from diff exists history import inspect load ls list mount prune pull push referrers rm remove save search tag tree trust unmount umount untag help" -f -a "list" -d 'List images'
complete -c coracle -n "__fish_coracle_using_subcommand image; and not __fish_seen_subcommand_from diff exists history import inspect load ls list mount prune pull push referrers rm remove save search tag tree trust unmount umount untag help" -f -a "mount" -d 'Mount the files of images, read-only, and print where'
complete -c coracle -n "__fish_coracle_using_subcommand image; and not __fish_seen_subcommand_from diff exists history import inspect load ls list mount prune pull push referrers rm remove save search tag tree trust unmount umount untag help" -f -a "prune" -d 'Remove images that have no name'
complete -c coracle -n "__fish_coracle_using_subcommand image; and not __fish_seen_subcommand_from diff exists history import inspect load ls list mount prune pull push referrers rm remove save search tag tree trust unmount umount untag help" -f -a "pull" -d 'Fetch images from registries and archives'
complete -c coracle -n "__fish_coracle_using_subcommand image; and not __fish_seen_subcommand_from diff exists history import inspect load ls list mount prune pull push referrers rm remove save search tag tree trust unmount umount untag help" -f -a "push" -d 'Give images to registries'
complete -c coracle -n "__fish_coracle_using_subcommand image; and not __fish_seen_subcommand_from diff exists history import inspect load ls list mount prune pull push referrers rm remove save search tag tree trust unmount umount untag help" -f -a "referrers" -d 'List what is attached to an image at its registry: signatures, bills of materials and the like'
complete -c coracle -n "__fish_coracle_using_subcommand image; and not __fish_seen_subcommand_from diff exists history import inspect load ls list mount prune pull push referrers rm remove save search tag tree trust unmount umount untag help" -f -a "rm" -d 'Remove images'
complete -c coracle -n "__fish_coracle_using_subcommand image; and not __fish_seen_subcommand_from diff exists history import inspect load ls list mount prune pull push referrers rm remove save search tag tree trust unmount umount untag help" -f -a "remove" -d 'Remove images'
complete -c coracle -n "__fish_coracle_using_subcommand image; and not __fish_seen_subcommand_from diff exists history import inspect load ls list mount prune pull push referrers rm remove save search tag tree trust unmount umount untag help" -f -a "save" -d 'Save images to an archive'
complete -c coracle -n "__fish_coracle_using_subcommand image; and not __fish_seen_subcommand_from diff exists history import inspect load ls list mount prune pull push referrers rm remove save search tag tree trust unmount umount untag help" -f -a "search" -d 'Search registries for images'
complete -c coracle -n "__fish_coracle_using_subcommand image; and not __fish_seen_subcommand_from diff exists history import inspect load ls list mount prune pull push referrers rm remove save search tag tree trust unmount umount untag help" -f -a "tag" -d 'Give an image further names'
complete -c coracle -n "__fish_coracle_using_subcommand image; and not __fish_seen_subcommand_from diff exists history import inspect load ls list mount prune pull push referrers rm remove save search tag tree trust unmount umount untag help" -f -a "tree" -d 'Show the layers of an image'
complete -c coracle -n "__fish_coracle_using_subcommand image; and not __fish_seen_subcommand_from diff exists history import inspect load ls list mount prune pull push referrers rm remove save search tag tree trust unmount umount untag help" -f -a "trust" -d 'Look at and change which images may come in'
complete -c coracle -n "__fish_coracle_using_subcommand image; and not __fish_seen_subcommand_from diff exists history import inspect load ls list mount prune pull push referrers rm remove save search tag tree trust unmount umount untag help" -f -a "unmount" -d 'Unmount images'
complete -c coracle -n "__fish_coracle_using_subcommand image; and not __fish_seen_subcommand_from diff exists history import inspect load ls list mount prune pull push referrers rm remove save search tag tree trust unmount umount untag help" -f -a "umount" -d 'Unmount images'
complete -c coracle -n "__fish_coracle_using_subcommand image; and not __fish_seen_subcommand_from diff exists history import inspect load ls list mount prune pull push referrers rm remove save search tag tree trust unmount umount untag help" -f -a "untag" -d 'Take names from an image'
complete -c coracle -n "__fish_coracle_using_subcommand image; and not __fish_seen_subcommand_from diff exists history import inspect load ls list mount prune pull push referrers rm remove save search tag tree trust unmount umount untag help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from diff" -l format -d 'Print as "json"' -r
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from diff" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from exists" -s h -l help -d 'Print help'
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from history" -l format -d 'Print by a Go template, as "table TEMPLATE", or as "json"' -r
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from history" -s H -l human -d 'Print times and sizes for people' -r
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from history" -l platform -d 'Platform that the image is expected to be for; of a list, the one whose image is meant' -r
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from history" -l no-trunc -d 'Do not shorten anything'
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from history" -s q -l quiet -d 'Print identifiers only'
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from history" -s h -l help -d 'Print help'
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from import" -s c -l change -d 'Change the configuration by an instruction of a Dockerfile, such as CMD ["sh"]' -r
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from import" -s m -l message -d 'Message for the history of the image' -r
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from import" -l platform -d 'Platform of the image' -r
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from import" -l arch -d 'Architecture of the image' -r
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from import" -l os -d 'Operating system of the image' -r
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from import" -l variant -d 'Variant of the architecture of the image' -r
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from import" -s q -l quiet -d 'Print no progress'
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from import" -s h -l help -d 'Print help'
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from inspect" -s f -l format -d 'Print by a Go template' -r
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from inspect" -l platform -d 'Platform that the image is expected to be for; of a list, the one whose image is meant' -r
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from inspect" -s h -l help -d 'Print help'
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from load" -s i -l input -d 'File or directory to read instead of standard input' -r
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from load" -l signature-policy -d 'File with the signature policy, instead of policy.json' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from load" -l platform -d 'Platform to take from an archive for several' -r
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from load" -s q -l quiet -d 'Print no progress'
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from load" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from ls" -s f -l filter -d 'Only images that fit' -r
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from ls" -l format -d 'Print by a Go template, as "table TEMPLATE", or as "json"' -r
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from ls" -l sort -d 'Order by created, id, repository, size or tag' -r
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from ls" -s a -l all -d 'Show images without a name that others are made of, too'
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from ls" -l digests -d 'Show digests'
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from ls" -l history -d 'Show the names that images have and had'
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from ls" -l no-trunc -d 'Do not shorten identifiers'
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from ls" -s n -l noheading -d 'Print no heading'
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from ls" -s q -l quiet -d 'Print identifiers only'
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from ls" -l tree -d 'Show the platforms of each image below its names'
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from ls" -s h -l help -d 'Print help'
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from list" -s f -l filter -d 'Only images that fit' -r
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from list" -l format -d 'Print by a Go template, as "table TEMPLATE", or as "json"' -r
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from list" -l sort -d 'Order by created, id, repository, size or tag' -r
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from list" -s a -l all -d 'Show images without a name that others are made of, too'
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from list" -l digests -d 'Show digests'
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from list" -l history -d 'Show the names that images have and had'
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from list" -l no-trunc -d 'Do not shorten identifiers'
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from list" -s n -l noheading -d 'Print no heading'
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from list" -s q -l quiet -d 'Print identifiers only'
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from list" -l tree -d 'Show the platforms of each image below its names'
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from list" -s h -l help -d 'Print help'
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from mount" -l format -d 'Print as "json"' -r
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from mount" -s a -l all -d 'All images'
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from mount" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from prune" -l filter -d 'Only images that fit: label, label! or until' -r
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from prune" -s a -l all -d 'Remove all images without containers, named or not'
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from prune" -s f -l force -d 'Do not ask'
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from prune" -l dry-run -d 'Only print what would be removed'
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from prune" -s h -l help -d 'Print help'
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from pull" -l policy -d 'When to fetch an image that is here: always, missing, newer or never' -r
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from pull" -l progress -d 'How progress is shown: auto, plain, tty, json or none' -r -f -a "auto\t''
plain\t''
tty\t''
json\t''
none\t''"
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from pull" -l platform -d 'Platform of the image' -r
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from pull" -l arch -d 'Architecture of the image' -r
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from pull" -l os -d 'Operating system of the image' -r
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from pull" -l variant -d 'Variant of the architecture of the image' -r
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from pull" -l authfile -d 'File with credentials' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from pull" -l cert-dir -d 'Directory with certificates for the registry: *.crt, *.cert and *.key' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from pull" -l tls-verify -d 'Whether to insist on encryption and a valid certificate' -r -f -a "true\t''
false\t''"
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from pull" -l creds -d 'User name and password for the registry' -r
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from pull" -l retry -d 'Tries after what failed when performing pull (default 3)' -r
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from pull" -l retry-delay -d 'Wait after pull failures (default "1s"), doubled each time' -r
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from pull" -l signature-policy -d 'File with the signature policy for what is fetched, instead of policy.json' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from pull" -s a -l all-tags -d 'Every tag of the repository'
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from pull" -s q -l quiet -d 'Print no progress'
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from pull" -s h -l help -d 'Print help'
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from push" -l compression-format -d 'Packing of layers that the registry does not have yet: gzip, zstd or zstd:chunked' -r
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from push" -l compression-level -d 'Level of that packing' -r
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from push" -s f -l format -d 'Kind of manifest: oci or v2s2 (docker)' -r
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from push" -l digestfile -d 'Write the digest of the manifest to a file' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from push" -l platform -d 'Platform that the image is expected to be for; of a list, the one whose image is meant' -r
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from push" -l sign-by-sigstore -d 'Sign as a file of parameters says, which names the key' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from push" -l sign-by-sigstore-private-key -d 'Sign with the key in a file, as cosign and Podman do' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from push" -l sign-passphrase-file -d 'File whose first line is the passphrase of that key' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from push" -l authfile -d 'File with credentials' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from push" -l cert-dir -d 'Directory with certificates for the registry: *.crt, *.cert and *.key' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from push" -l tls-verify -d 'Whether to insist on encryption and a valid certificate' -r -f -a "true\t''
false\t''"
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from push" -l creds -d 'User name and password for the registry' -r
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from push" -l retry -d 'Tries after what failed when performing push (default 3)' -r
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from push" -l retry-delay -d 'Wait after push failures (default "1s"), doubled each time' -r
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from push" -l signature-policy -d 'File with the signature policy for what is fetched, instead of policy.json' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from push" -s a -l all-tags -d 'Every tag of the repository that is here'
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from push" -l force-compression -d 'Pack anew what the registry has in another packing'
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from push" -s q -l quiet -d 'Print no progress'
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from push" -s h -l help -d 'Print help'
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from referrers" -l artifact-type -d 'Only those of this type' -r
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from referrers" -l format -d 'Print by a Go template, as "table TEMPLATE", or as "json"' -r
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from referrers" -l authfile -d 'File with credentials' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from referrers" -l cert-dir -d 'Directory with certificates for the registry: *.crt, *.cert and *.key' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from referrers" -l tls-verify -d 'Whether to insist on encryption and a valid certificate' -r -f -a "true\t''
false\t''"
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from referrers" -l creds -d 'User name and password for the registry' -r
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from referrers" -l retry -d 'Tries after what failed when performing pull (default 3)' -r
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from referrers" -l retry-delay -d 'Wait after pull failures (default "1s"), doubled each time' -r
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from referrers" -l signature-policy -d 'File with the signature policy for what is fetched, instead of policy.json' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from referrers" -s n -l noheading -d 'Print no heading'
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from referrers" -s h -l help -d 'Print help'
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from rm" -l platform -d 'Platforms that the images are expected to be for' -r
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from rm" -s a -l all -d 'All images'
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from rm" -s f -l force -d 'Remove an image even if it has several names, containers of it exist or it is mounted, and say nothing of images that are not there'
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from rm" -s i -l ignore -d 'Say nothing of images that are not there'
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from rm" -l no-prune -d 'Accepted for compatibility: images have no parents'
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from rm" -s h -l help -d 'Print help'
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from remove" -l platform -d 'Platforms that the images are expected to be for' -r
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from remove" -s a -l all -d 'All images'
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from remove" -s f -l force -d 'Remove an image even if it has several names, containers of it exist or it is mounted, and say nothing of images that are not there'
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from remove" -s i -l ignore -d 'Say nothing of images that are not there'
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from remove" -l no-prune -d 'Accepted for compatibility: images have no parents'
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from remove" -s h -l help -d 'Print help'
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from save" -s o -l output -d 'File to write instead of standard output' -r
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from save" -l format -d 'Format: docker-archive, oci-archive, oci-dir or docker-dir' -r
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from save" -l platform -d 'Platforms that the images are expected to be for; of lists, those whose images are saved' -r
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from save" -s m -l multi-image-archive -d 'Accepted for compatibility: several images may always be saved to one archive'
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from save" -s q -l quiet -d 'Print no progress'
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from save" -s h -l help -d 'Print help'
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from search" -s f -l filter -d 'Only what fits: stars=NUMBER, is-official or is-automated' -r
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from search" -l format -d 'Print by a Go template, as "table TEMPLATE", or as "json"' -r
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from search" -l limit -d 'Most results (25)' -r
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from search" -l authfile -d 'File with credentials' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from search" -l cert-dir -d 'Directory with certificates for the registry: *.crt, *.cert and *.key' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from search" -l tls-verify -d 'Whether to insist on encryption and a valid certificate' -r -f -a "true\t''
false\t''"
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from search" -l creds -d 'User name and password for the registry' -r
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from search" -l retry -d 'Tries after what failed when performing pull (default 3)' -r
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from search" -l retry-delay -d 'Wait after pull failures (default "1s"), doubled each time' -r
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from search" -l signature-policy -d 'File with the signature policy for what is fetched, instead of policy.json' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from search" -l compatible -d 'Show stars, and what is official'
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from search" -l list-tags -d 'List the tags of a repository'
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from search" -l no-trunc -d 'Do not shorten descriptions'
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from search" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from tag" -s h -l help -d 'Print help'
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from tree" -l whatrequires -d 'Show what is made on the image instead of what the image is made of'
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from tree" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from trust" -s h -l help -d 'Print help'
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from trust" -f -a "set" -d 'Say whether images may come in from a registry, and who must have signed them'
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from trust" -f -a "show" -d 'Print which images may come in'
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from trust" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from unmount" -s a -l all -d 'All images that are mounted'
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from unmount" -s f -l force -d 'However often they were mounted'
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from unmount" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from umount" -s a -l all -d 'All images that are mounted'
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from umount" -s f -l force -d 'However often they were mounted'
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from umount" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from untag" -s h -l help -d 'Print help'
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from help" -f -a "diff"
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from help" -f -a "exists"
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from help" -f -a "history"
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from help" -f -a "import"
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from help" -f -a "inspect"
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from help" -f -a "load"
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from help" -f -a "ls"
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from help" -f -a "mount"
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from help" -f -a "prune"
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from help" -f -a "pull"
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from help" -f -a "push"
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from help" -f -a "referrers"
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from help" -f -a "rm"
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from help" -f -a "save"
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from help" -f -a "search"
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from help" -f -a "tag"
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from help" -f -a "tree"
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from help" -f -a "trust"
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from help" -f -a "unmount"
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from help" -f -a "untag"
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c coracle -n "__fish_coracle_using_subcommand images" -s f -l filter -d 'Only images that fit' -r
complete -c coracle -n "__fish_coracle_using_subcommand images" -l format -d 'Print by a Go template, as "table TEMPLATE", or as "json"' -r
complete -c coracle -n "__fish_coracle_using_subcommand images" -l sort -d 'Order by created, id, repository, size or tag' -r
complete -c coracle -n "__fish_coracle_using_subcommand images" -s a -l all -d 'Show images without a name that others are made of, too'
complete -c coracle -n "__fish_coracle_using_subcommand images" -l digests -d 'Show digests'
complete -c coracle -n "__fish_coracle_using_subcommand images" -l history -d 'Show the names that images have and had'
complete -c coracle -n "__fish_coracle_using_subcommand images" -l no-trunc -d 'Do not shorten identifiers'
complete -c coracle -n "__fish_coracle_using_subcommand images" -s n -l noheading -d 'Print no heading'
complete -c coracle -n "__fish_coracle_using_subcommand images" -s q -l quiet -d 'Print identifiers only'
complete -c coracle -n "__fish_coracle_using_subcommand images" -l tree -d 'Show the platforms of each image below its names'
complete -c coracle -n "__fish_coracle_using_subcommand images" -s h -l help -d 'Print help'
complete -c coracle -n "__fish_coracle_using_subcommand import" -s c -l change -d 'Change the configuration by an instruction of a Dockerfile, such as CMD ["sh"]' -r
complete -c coracle -n "__fish_coracle_using_subcommand import" -s m -l message -d 'Message for the history of the image' -r
complete -c coracle -n "__fish_coracle_using_subcommand import" -l platform -d 'Platform of the image' -r
complete -c coracle -n "__fish_coracle_using_subcommand import" -l arch -d 'Architecture of the image' -r
complete -c coracle -n "__fish_coracle_using_subcommand import" -l os -d 'Operating system of the image' -r
complete -c coracle -n "__fish_coracle_using_subcommand import" -l variant -d 'Variant of the architecture of the image' -r
complete -c coracle -n "__fish_coracle_using_subcommand import" -s q -l quiet -d 'Print no progress'
complete -c coracle -n "__fish_coracle_using_subcommand import" -s h -l help -d 'Print help'
complete -c coracle -n "__fish_coracle_using_subcommand info" -s f -l format -d 'Print by a Go template, or as "json"' -r
complete -c coracle -n "__fish_coracle_using_subcommand info" -s D -l debug -d 'Accepted for compatibility'
complete -c coracle -n "__fish_coracle_using_subcommand info" -s h -l help -d 'Print help'
complete -c coracle -n "__fish_coracle_using_subcommand init" -s a -l all -d 'All containers; those that run stay as they are'
complete -c coracle -n "__fish_coracle_using_subcommand init" -s l -l latest -d 'The container made last'
complete -c coracle -n "__fish_coracle_using_subcommand init" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c coracle -n "__fish_coracle_using_subcommand inspect" -s f -l format -d 'Print by a Go template' -r
complete -c coracle -n "__fish_coracle_using_subcommand inspect" -s t -l type -d 'What the names mean: container, image, volume or all' -r
complete -c coracle -n "__fish_coracle_using_subcommand inspect" -l platform -d 'Platform that the image is expected to be for; of a list, the one whose image is meant' -r
complete -c coracle -n "__fish_coracle_using_subcommand inspect" -s s -l size -d 'Add the sizes of a container\'s files'
complete -c coracle -n "__fish_coracle_using_subcommand inspect" -s l -l latest -d 'The container made last'
complete -c coracle -n "__fish_coracle_using_subcommand inspect" -s h -l help -d 'Print help'
complete -c coracle -n "__fish_coracle_using_subcommand kill" -s s -l signal -d 'Signal to send' -r
complete -c coracle -n "__fish_coracle_using_subcommand kill" -l cidfile -d 'Containers whose identifiers are in a file' -r
complete -c coracle -n "__fish_coracle_using_subcommand kill" -s a -l all -d 'All containers'
complete -c coracle -n "__fish_coracle_using_subcommand kill" -s l -l latest -d 'The container made last'
complete -c coracle -n "__fish_coracle_using_subcommand kill" -s h -l help -d 'Print help'
complete -c coracle -n "__fish_coracle_using_subcommand load" -s i -l input -d 'File or directory to read instead of standard input' -r
complete -c coracle -n "__fish_coracle_using_subcommand load" -l signature-policy -d 'File with the signature policy, instead of policy.json' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand load" -l platform -d 'Platform to take from an archive for several' -r
complete -c coracle -n "__fish_coracle_using_subcommand load" -s q -l quiet -d 'Print no progress'
complete -c coracle -n "__fish_coracle_using_subcommand load" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c coracle -n "__fish_coracle_using_subcommand login" -s u -l username -d 'User name' -r
complete -c coracle -n "__fish_coracle_using_subcommand login" -s p -l password -d 'Password; it can be seen by other users: rather use --password-stdin' -r
complete -c coracle -n "__fish_coracle_using_subcommand login" -l compat-auth-file -d 'Write a file of Docker\'s form instead' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand login" -l authfile -d 'File with credentials' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand login" -l cert-dir -d 'Directory with certificates for the registry: *.crt, *.cert and *.key' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand login" -l tls-verify -d 'Whether to insist on encryption and a valid certificate' -r -f -a "true\t''
false\t''"
complete -c coracle -n "__fish_coracle_using_subcommand login" -l password-stdin -d 'Read the password from standard input'
complete -c coracle -n "__fish_coracle_using_subcommand login" -l get-login -d 'Print the user name that is kept for the registry'
complete -c coracle -n "__fish_coracle_using_subcommand login" -s v -l verbose -d 'Say where the credentials are kept'
complete -c coracle -n "__fish_coracle_using_subcommand login" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c coracle -n "__fish_coracle_using_subcommand logout" -l authfile -d 'File with credentials' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand logout" -l compat-auth-file -d 'File of Docker\'s form' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand logout" -s a -l all -d 'Forget those for all registries'
complete -c coracle -n "__fish_coracle_using_subcommand logout" -s h -l help -d 'Print help'
complete -c coracle -n "__fish_coracle_using_subcommand logs" -l since -d 'Only lines after this time: a date, a number of seconds, or a time ago such as 10m' -r
complete -c coracle -n "__fish_coracle_using_subcommand logs" -l until -d 'Only lines before this time; with --follow, 10m is in ten minutes' -r
complete -c coracle -n "__fish_coracle_using_subcommand logs" -s n -l tail -d 'Only the last lines; -n without a number prints the names of the containers' -r
complete -c coracle -n "__fish_coracle_using_subcommand logs" -s f -l follow -d 'Go on with what the container writes'
complete -c coracle -n "__fish_coracle_using_subcommand logs" -s t -l timestamps -d 'Put the time before each line'
complete -c coracle -n "__fish_coracle_using_subcommand logs" -l details -d 'Put what the log says of the container before each line: its tag, labels and variables, by --log-opt'
complete -c coracle -n "__fish_coracle_using_subcommand logs" -l names -d 'Put the name of the container before each line; of several containers it is else the identifier'
complete -c coracle -n "__fish_coracle_using_subcommand logs" -l color -d 'Give each container a colour of its own'
complete -c coracle -n "__fish_coracle_using_subcommand logs" -s l -l latest -d 'The container made last'
complete -c coracle -n "__fish_coracle_using_subcommand logs" -s h -l help -d 'Print help'
complete -c coracle -n "__fish_coracle_using_subcommand manifest; and not __fish_seen_subcommand_from add annotate create exists inspect push remove rm help" -s h -l help -d 'Print help'
complete -c coracle -n "__fish_coracle_using_subcommand manifest; and not __fish_seen_subcommand_from add annotate create exists inspect push remove rm help" -f -a "add" -d 'Add images to a list'
complete -c coracle -n "__fish_coracle_using_subcommand manifest; and not __fish_seen_subcommand_from add annotate create exists inspect push remove rm help" -f -a "annotate" -d 'Say more of a member of a list, or of a list'
complete -c coracle -n "__fish_coracle_using_subcommand manifest; and not __fish_seen_subcommand_from add annotate create exists inspect push remove rm help" -f -a "create" -d 'Make a list of manifests'
complete -c coracle -n "__fish_coracle_using_subcommand manifest; and not __fish_seen_subcommand_from add annotate create exists inspect push remove rm help" -f -a "exists" -d 'End with status 0 if there is a list, or an image that came by an index for several platforms, and 1 if not'
complete -c coracle -n "__fish_coracle_using_subcommand manifest; and not __fish_seen_subcommand_from add annotate create exists inspect push remove rm help" -f -a "inspect" -d 'Print the manifest of an image, or the index of all its platforms'
complete -c coracle -n "__fish_coracle_using_subcommand manifest; and not __fish_seen_subcommand_from add annotate create exists inspect push remove rm help" -f -a "push" -d 'Give a list to a registry, with the images that it names'
complete -c coracle -n "__fish_coracle_using_subcommand manifest; and not __fish_seen_subcommand_from add annotate create exists inspect push remove rm help" -f -a "remove" -d 'Take members from a list'
complete -c coracle -n "__fish_coracle_using_subcommand manifest; and not __fish_seen_subcommand_from add annotate create exists inspect push remove rm help" -f -a "rm" -d 'Remove lists'
complete -c coracle -n "__fish_coracle_using_subcommand manifest; and not __fish_seen_subcommand_from add annotate create exists inspect push remove rm help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c coracle -n "__fish_coracle_using_subcommand manifest; and __fish_seen_subcommand_from add" -l annotation -d 'Add an annotation' -r
complete -c coracle -n "__fish_coracle_using_subcommand manifest; and __fish_seen_subcommand_from add" -l arch -d 'Architecture that it is for' -r
complete -c coracle -n "__fish_coracle_using_subcommand manifest; and __fish_seen_subcommand_from add" -l features -d 'Features of the processor that it needs' -r
complete -c coracle -n "__fish_coracle_using_subcommand manifest; and __fish_seen_subcommand_from add" -l os -d 'Operating system that it is for' -r
complete -c coracle -n "__fish_coracle_using_subcommand manifest; and __fish_seen_subcommand_from add" -l os-version -d 'Version of the operating system' -r
complete -c coracle -n "__fish_coracle_using_subcommand manifest; and __fish_seen_subcommand_from add" -l variant -d 'Variant of the architecture' -r
complete -c coracle -n "__fish_coracle_using_subcommand manifest; and __fish_seen_subcommand_from add" -l artifact-annotation -d 'Add an annotation to the artifact' -r
complete -c coracle -n "__fish_coracle_using_subcommand manifest; and __fish_seen_subcommand_from add" -l artifact-config -d 'File with its configuration' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand manifest; and __fish_seen_subcommand_from add" -l artifact-config-type -d 'Type of its configuration' -r
complete -c coracle -n "__fish_coracle_using_subcommand manifest; and __fish_seen_subcommand_from add" -l artifact-layer-type -d 'Type of the files, instead of what they seem to be' -r
complete -c coracle -n "__fish_coracle_using_subcommand manifest; and __fish_seen_subcommand_from add" -l artifact-subject -d 'Image that the artifact is about' -r
complete -c coracle -n "__fish_coracle_using_subcommand manifest; and __fish_seen_subcommand_from add" -l artifact-type -d 'Type of the artifact' -r
complete -c coracle -n "__fish_coracle_using_subcommand manifest; and __fish_seen_subcommand_from add" -l authfile -d 'File with credentials' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand manifest; and __fish_seen_subcommand_from add" -l cert-dir -d 'Directory with certificates for the registry: *.crt, *.cert and *.key' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand manifest; and __fish_seen_subcommand_from add" -l tls-verify -d 'Whether to insist on encryption and a valid certificate' -r -f -a "true\t''
false\t''"
complete -c coracle -n "__fish_coracle_using_subcommand manifest; and __fish_seen_subcommand_from add" -l creds -d 'User name and password for the registry' -r
complete -c coracle -n "__fish_coracle_using_subcommand manifest; and __fish_seen_subcommand_from add" -l retry -d 'Tries after what failed when performing pull (default 3)' -r
complete -c coracle -n "__fish_coracle_using_subcommand manifest; and __fish_seen_subcommand_from add" -l retry-delay -d 'Wait after pull failures (default "1s"), doubled each time' -r
complete -c coracle -n "__fish_coracle_using_subcommand manifest; and __fish_seen_subcommand_from add" -l signature-policy -d 'File with the signature policy for what is fetched, instead of policy.json' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand manifest; and __fish_seen_subcommand_from add" -l all -d 'Of an image that is a list, take all images'
complete -c coracle -n "__fish_coracle_using_subcommand manifest; and __fish_seen_subcommand_from add" -l artifact -d 'Add an artifact that is made of files'
complete -c coracle -n "__fish_coracle_using_subcommand manifest; and __fish_seen_subcommand_from add" -l artifact-exclude-titles -d 'Leave the names of the files out'
complete -c coracle -n "__fish_coracle_using_subcommand manifest; and __fish_seen_subcommand_from add" -l insecure -d 'The same as --tls-verify=false'
complete -c coracle -n "__fish_coracle_using_subcommand manifest; and __fish_seen_subcommand_from add" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c coracle -n "__fish_coracle_using_subcommand manifest; and __fish_seen_subcommand_from annotate" -l annotation -d 'Add an annotation' -r
complete -c coracle -n "__fish_coracle_using_subcommand manifest; and __fish_seen_subcommand_from annotate" -l arch -d 'Architecture that it is for' -r
complete -c coracle -n "__fish_coracle_using_subcommand manifest; and __fish_seen_subcommand_from annotate" -l features -d 'Features of the processor that it needs' -r
complete -c coracle -n "__fish_coracle_using_subcommand manifest; and __fish_seen_subcommand_from annotate" -l os -d 'Operating system that it is for' -r
complete -c coracle -n "__fish_coracle_using_subcommand manifest; and __fish_seen_subcommand_from annotate" -l os-version -d 'Version of the operating system' -r
complete -c coracle -n "__fish_coracle_using_subcommand manifest; and __fish_seen_subcommand_from annotate" -l variant -d 'Variant of the architecture' -r
complete -c coracle -n "__fish_coracle_using_subcommand manifest; and __fish_seen_subcommand_from annotate" -l os-features -d 'Features of the operating system that it needs' -r
complete -c coracle -n "__fish_coracle_using_subcommand manifest; and __fish_seen_subcommand_from annotate" -l subject -d 'Image that the list is about' -r
complete -c coracle -n "__fish_coracle_using_subcommand manifest; and __fish_seen_subcommand_from annotate" -l index -d 'Annotate the list itself'
complete -c coracle -n "__fish_coracle_using_subcommand manifest; and __fish_seen_subcommand_from annotate" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c coracle -n "__fish_coracle_using_subcommand manifest; and __fish_seen_subcommand_from create" -l annotation -d 'Add an annotation to the list' -r
complete -c coracle -n "__fish_coracle_using_subcommand manifest; and __fish_seen_subcommand_from create" -l authfile -d 'File with credentials' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand manifest; and __fish_seen_subcommand_from create" -l cert-dir -d 'Directory with certificates for the registry: *.crt, *.cert and *.key' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand manifest; and __fish_seen_subcommand_from create" -l tls-verify -d 'Whether to insist on encryption and a valid certificate' -r -f -a "true\t''
false\t''"
complete -c coracle -n "__fish_coracle_using_subcommand manifest; and __fish_seen_subcommand_from create" -l creds -d 'User name and password for the registry' -r
complete -c coracle -n "__fish_coracle_using_subcommand manifest; and __fish_seen_subcommand_from create" -l retry -d 'Tries after what failed when performing pull (default 3)' -r
complete -c coracle -n "__fish_coracle_using_subcommand manifest; and __fish_seen_subcommand_from create" -l retry-delay -d 'Wait after pull failures (default "1s"), doubled each time' -r
complete -c coracle -n "__fish_coracle_using_subcommand manifest; and __fish_seen_subcommand_from create" -l signature-policy -d 'File with the signature policy for what is fetched, instead of policy.json' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand manifest; and __fish_seen_subcommand_from create" -l all -d 'Of an image that is a list, take all images'
complete -c coracle -n "__fish_coracle_using_subcommand manifest; and __fish_seen_subcommand_from create" -s a -l amend -d 'Add to the list if there is one of the name'
complete -c coracle -n "__fish_coracle_using_subcommand manifest; and __fish_seen_subcommand_from create" -l insecure -d 'The same as --tls-verify=false'
complete -c coracle -n "__fish_coracle_using_subcommand manifest; and __fish_seen_subcommand_from create" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c coracle -n "__fish_coracle_using_subcommand manifest; and __fish_seen_subcommand_from exists" -s h -l help -d 'Print help'
complete -c coracle -n "__fish_coracle_using_subcommand manifest; and __fish_seen_subcommand_from inspect" -l authfile -d 'File with credentials' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand manifest; and __fish_seen_subcommand_from inspect" -l cert-dir -d 'Directory with certificates for the registry: *.crt, *.cert and *.key' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand manifest; and __fish_seen_subcommand_from inspect" -l tls-verify -d 'Whether to insist on encryption and a valid certificate' -r -f -a "true\t''
false\t''"
complete -c coracle -n "__fish_coracle_using_subcommand manifest; and __fish_seen_subcommand_from inspect" -l creds -d 'User name and password for the registry' -r
complete -c coracle -n "__fish_coracle_using_subcommand manifest; and __fish_seen_subcommand_from inspect" -l retry -d 'Tries after what failed when performing pull (default 3)' -r
complete -c coracle -n "__fish_coracle_using_subcommand manifest; and __fish_seen_subcommand_from inspect" -l retry-delay -d 'Wait after pull failures (default "1s"), doubled each time' -r
complete -c coracle -n "__fish_coracle_using_subcommand manifest; and __fish_seen_subcommand_from inspect" -l signature-policy -d 'File with the signature policy for what is fetched, instead of policy.json' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand manifest; and __fish_seen_subcommand_from inspect" -s v -l verbose -d 'Print every manifest, with its digest and platform'
complete -c coracle -n "__fish_coracle_using_subcommand manifest; and __fish_seen_subcommand_from inspect" -l insecure -d 'The same as --tls-verify=false'
complete -c coracle -n "__fish_coracle_using_subcommand manifest; and __fish_seen_subcommand_from inspect" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c coracle -n "__fish_coracle_using_subcommand manifest; and __fish_seen_subcommand_from push" -l all -d 'Give the images, too' -r
complete -c coracle -n "__fish_coracle_using_subcommand manifest; and __fish_seen_subcommand_from push" -l add-compression -d 'Give each image in another packing as well: gzip, zstd or zstd:chunked' -r
complete -c coracle -n "__fish_coracle_using_subcommand manifest; and __fish_seen_subcommand_from push" -l compression-format -d 'Packing of layers that the registry does not have yet: gzip, zstd or zstd:chunked' -r
complete -c coracle -n "__fish_coracle_using_subcommand manifest; and __fish_seen_subcommand_from push" -l compression-level -d 'Level of that packing' -r
complete -c coracle -n "__fish_coracle_using_subcommand manifest; and __fish_seen_subcommand_from push" -s f -l format -d 'Kind of manifest: oci or v2s2 (docker)' -r
complete -c coracle -n "__fish_coracle_using_subcommand manifest; and __fish_seen_subcommand_from push" -l digestfile -d 'Write the digest of the list to a file' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand manifest; and __fish_seen_subcommand_from push" -l sign-by-sigstore -d 'Sign as a file of parameters says, which names the key' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand manifest; and __fish_seen_subcommand_from push" -l sign-by-sigstore-private-key -d 'Sign with the key in a file, as cosign and Podman do' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand manifest; and __fish_seen_subcommand_from push" -l sign-passphrase-file -d 'File whose first line is the passphrase of that key' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand manifest; and __fish_seen_subcommand_from push" -l authfile -d 'File with credentials' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand manifest; and __fish_seen_subcommand_from push" -l cert-dir -d 'Directory with certificates for the registry: *.crt, *.cert and *.key' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand manifest; and __fish_seen_subcommand_from push" -l tls-verify -d 'Whether to insist on encryption and a valid certificate' -r -f -a "true\t''
false\t''"
complete -c coracle -n "__fish_coracle_using_subcommand manifest; and __fish_seen_subcommand_from push" -l creds -d 'User name and password for the registry' -r
complete -c coracle -n "__fish_coracle_using_subcommand manifest; and __fish_seen_subcommand_from push" -l retry -d 'Tries after what failed when performing push (default 3)' -r
complete -c coracle -n "__fish_coracle_using_subcommand manifest; and __fish_seen_subcommand_from push" -l retry-delay -d 'Wait after push failures (default "1s"), doubled each time' -r
complete -c coracle -n "__fish_coracle_using_subcommand manifest; and __fish_seen_subcommand_from push" -l signature-policy -d 'File with the signature policy for what is fetched, instead of policy.json' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand manifest; and __fish_seen_subcommand_from push" -l force-compression -d 'Pack anew what the registry has in another packing'
complete -c coracle -n "__fish_coracle_using_subcommand manifest; and __fish_seen_subcommand_from push" -s p -l rm -l purge -d 'Remove the list afterwards'
complete -c coracle -n "__fish_coracle_using_subcommand manifest; and __fish_seen_subcommand_from push" -s q -l quiet -d 'Print nothing'
complete -c coracle -n "__fish_coracle_using_subcommand manifest; and __fish_seen_subcommand_from push" -l insecure -d 'The same as --tls-verify=false'
complete -c coracle -n "__fish_coracle_using_subcommand manifest; and __fish_seen_subcommand_from push" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c coracle -n "__fish_coracle_using_subcommand manifest; and __fish_seen_subcommand_from remove" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c coracle -n "__fish_coracle_using_subcommand manifest; and __fish_seen_subcommand_from rm" -s i -l ignore -d 'Say nothing of lists that are not there'
complete -c coracle -n "__fish_coracle_using_subcommand manifest; and __fish_seen_subcommand_from rm" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c coracle -n "__fish_coracle_using_subcommand manifest; and __fish_seen_subcommand_from help" -f -a "add"
complete -c coracle -n "__fish_coracle_using_subcommand manifest; and __fish_seen_subcommand_from help" -f -a "annotate"
complete -c coracle -n "__fish_coracle_using_subcommand manifest; and __fish_seen_subcommand_from help" -f -a "create"
complete -c coracle -n "__fish_coracle_using_subcommand manifest; and __fish_seen_subcommand_from help" -f -a "exists"
complete -c coracle -n "__fish_coracle_using_subcommand manifest; and __fish_seen_subcommand_from help" -f -a "inspect"
complete -c coracle -n "__fish_coracle_using_subcommand manifest; and __fish_seen_subcommand_from help" -f -a "push"
complete -c coracle -n "__fish_coracle_using_subcommand manifest; and __fish_seen_subcommand_from help" -f -a "remove"
complete -c coracle -n "__fish_coracle_using_subcommand manifest; and __fish_seen_subcommand_from help" -f -a "rm"
complete -c coracle -n "__fish_coracle_using_subcommand manifest; and __fish_seen_subcommand_from help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c coracle -n "__fish_coracle_using_subcommand pause" -s f -l filter -d 'Of the containers that run, those that fit' -r
complete -c coracle -n "__fish_coracle_using_subcommand pause" -l cidfile -d 'Containers whose identifiers are in a file' -r
complete -c coracle -n "__fish_coracle_using_subcommand pause" -s a -l all -d 'All containers'
complete -c coracle -n "__fish_coracle_using_subcommand pause" -s l -l latest -d 'The container made last'
complete -c coracle -n "__fish_coracle_using_subcommand pause" -s h -l help -d 'Print help'
complete -c coracle -n "__fish_coracle_using_subcommand port" -s a -l all -d 'All containers'
complete -c coracle -n "__fish_coracle_using_subcommand port" -s l -l latest -d 'The container made last'
complete -c coracle -n "__fish_coracle_using_subcommand port" -s h -l help -d 'Print help'
complete -c coracle -n "__fish_coracle_using_subcommand ps" -s f -l filter -d 'Only containers that fit' -r
complete -c coracle -n "__fish_coracle_using_subcommand ps" -l format -d 'Print by a Go template, as "table TEMPLATE", or as "json"' -r
complete -c coracle -n "__fish_coracle_using_subcommand ps" -s n -l last -d 'Show the containers made last, running or not' -r
complete -c coracle -n "__fish_coracle_using_subcommand ps" -s w -l watch -d 'Print the list anew each so many seconds' -r
complete -c coracle -n "__fish_coracle_using_subcommand ps" -l sort -d 'Order by command, created, id, image, names, runningfor, size or status' -r
complete -c coracle -n "__fish_coracle_using_subcommand ps" -s a -l all -d 'Show all containers, not only those that run'
complete -c coracle -n "__fish_coracle_using_subcommand ps" -s l -l latest -d 'Show the container made last, running or not'
complete -c coracle -n "__fish_coracle_using_subcommand ps" -l no-trunc -d 'Do not shorten anything'
complete -c coracle -n "__fish_coracle_using_subcommand ps" -s q -l quiet -d 'Print identifiers only'
complete -c coracle -n "__fish_coracle_using_subcommand ps" -s s -l size -d 'Show the sizes of the containers\' own files'
complete -c coracle -n "__fish_coracle_using_subcommand ps" -l noheading -d 'Print no heading'
complete -c coracle -n "__fish_coracle_using_subcommand ps" -l namespace -l ns -d 'Show the namespaces of the containers, by the numbers that /proc has'
complete -c coracle -n "__fish_coracle_using_subcommand ps" -s h -l help -d 'Print help'
complete -c coracle -n "__fish_coracle_using_subcommand pull" -l policy -d 'When to fetch an image that is here: always, missing, newer or never' -r
complete -c coracle -n "__fish_coracle_using_subcommand pull" -l progress -d 'How progress is shown: auto, plain, tty, json or none' -r -f -a "auto\t''
plain\t''
tty\t''
json\t''
none\t''"
complete -c coracle -n "__fish_coracle_using_subcommand pull" -l platform -d 'Platform of the image' -r
complete -c coracle -n "__fish_coracle_using_subcommand pull" -l arch -d 'Architecture of the image' -r
complete -c coracle -n "__fish_coracle_using_subcommand pull" -l os -d 'Operating system of the image' -r
complete -c coracle -n "__fish_coracle_using_subcommand pull" -l variant -d 'Variant of the architecture of the image' -r
complete -c coracle -n "__fish_coracle_using_subcommand pull" -l authfile -d 'File with credentials' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand pull" -l cert-dir -d 'Directory with certificates for the registry: *.crt, *.cert and *.key' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand pull" -l tls-verify -d 'Whether to insist on encryption and a valid certificate' -r -f -a "true\t''
false\t''"
complete -c coracle -n "__fish_coracle_using_subcommand pull" -l creds -d 'User name and password for the registry' -r
complete -c coracle -n "__fish_coracle_using_subcommand pull" -l retry -d 'Tries after what failed when performing pull (default 3)' -r
complete -c coracle -n "__fish_coracle_using_subcommand pull" -l retry-delay -d 'Wait after pull failures (default "1s"), doubled each time' -r
complete -c coracle -n "__fish_coracle_using_subcommand pull" -l signature-policy -d 'File with the signature policy for what is fetched, instead of policy.json' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand pull" -s a -l all-tags -d 'Every tag of the repository'
complete -c coracle -n "__fish_coracle_using_subcommand pull" -s q -l quiet -d 'Print no progress'
complete -c coracle -n "__fish_coracle_using_subcommand pull" -s h -l help -d 'Print help'
complete -c coracle -n "__fish_coracle_using_subcommand push" -l compression-format -d 'Packing of layers that the registry does not have yet: gzip, zstd or zstd:chunked' -r
complete -c coracle -n "__fish_coracle_using_subcommand push" -l compression-level -d 'Level of that packing' -r
complete -c coracle -n "__fish_coracle_using_subcommand push" -s f -l format -d 'Kind of manifest: oci or v2s2 (docker)' -r
complete -c coracle -n "__fish_coracle_using_subcommand push" -l digestfile -d 'Write the digest of the manifest to a file' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand push" -l platform -d 'Platform that the image is expected to be for; of a list, the one whose image is meant' -r
complete -c coracle -n "__fish_coracle_using_subcommand push" -l sign-by-sigstore -d 'Sign as a file of parameters says, which names the key' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand push" -l sign-by-sigstore-private-key -d 'Sign with the key in a file, as cosign and Podman do' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand push" -l sign-passphrase-file -d 'File whose first line is the passphrase of that key' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand push" -l authfile -d 'File with credentials' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand push" -l cert-dir -d 'Directory with certificates for the registry: *.crt, *.cert and *.key' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand push" -l tls-verify -d 'Whether to insist on encryption and a valid certificate' -r -f -a "true\t''
false\t''"
complete -c coracle -n "__fish_coracle_using_subcommand push" -l creds -d 'User name and password for the registry' -r
complete -c coracle -n "__fish_coracle_using_subcommand push" -l retry -d 'Tries after what failed when performing push (default 3)' -r
complete -c coracle -n "__fish_coracle_using_subcommand push" -l retry-delay -d 'Wait after push failures (default "1s"), doubled each time' -r
complete -c coracle -n "__fish_coracle_using_subcommand push" -l signature-policy -d 'File with the signature policy for what is fetched, instead of policy.json' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand push" -s a -l all-tags -d 'Every tag of the repository that is here'
complete -c coracle -n "__fish_coracle_using_subcommand push" -l force-compression -d 'Pack anew what the registry has in another packing'
complete -c coracle -n "__fish_coracle_using_subcommand push" -s q -l quiet -d 'Print no progress'
complete -c coracle -n "__fish_coracle_using_subcommand push" -s h -l help -d 'Print help'
complete -c coracle -n "__fish_coracle_using_subcommand rename" -s h -l help -d 'Print help'
complete -c coracle -n "__fish_coracle_using_subcommand restart" -s t -l time -l timeout -d 'Seconds to wait before killing' -r
complete -c coracle -n "__fish_coracle_using_subcommand restart" -s s -l signal -d 'Signal to send instead of the container\'s own' -r
complete -c coracle -n "__fish_coracle_using_subcommand restart" -s f -l filter -d 'Containers that fit' -r
complete -c coracle -n "__fish_coracle_using_subcommand restart" -l cidfile -d 'Containers whose identifiers are in a file' -r
complete -c coracle -n "__fish_coracle_using_subcommand restart" -l running -d 'Only containers that run'
complete -c coracle -n "__fish_coracle_using_subcommand restart" -s a -l all -d 'All containers'
complete -c coracle -n "__fish_coracle_using_subcommand restart" -s l -l latest -d 'The container made last'
complete -c coracle -n "__fish_coracle_using_subcommand restart" -s h -l help -d 'Print help'
complete -c coracle -n "__fish_coracle_using_subcommand rm" -s t -l time -d 'With --force: seconds to wait before killing' -r
complete -c coracle -n "__fish_coracle_using_subcommand rm" -l filter -d 'Containers that fit' -r
complete -c coracle -n "__fish_coracle_using_subcommand rm" -l cidfile -d 'Containers whose identifiers are in a file' -r
complete -c coracle -n "__fish_coracle_using_subcommand rm" -s f -l force -d 'Kill running containers first, and say nothing of those that are not there'
complete -c coracle -n "__fish_coracle_using_subcommand rm" -s v -l volumes -d 'Remove the anonymous volumes of the container too'
complete -c coracle -n "__fish_coracle_using_subcommand rm" -l depend -d 'Remove containers that require these too, as --all does'
complete -c coracle -n "__fish_coracle_using_subcommand rm" -s i -l ignore -d 'Say nothing of containers that are not there'
complete -c coracle -n "__fish_coracle_using_subcommand rm" -s a -l all -d 'All containers'
complete -c coracle -n "__fish_coracle_using_subcommand rm" -s l -l latest -d 'The container made last'
complete -c coracle -n "__fish_coracle_using_subcommand rm" -s h -l help -d 'Print help'
complete -c coracle -n "__fish_coracle_using_subcommand rmi" -l platform -d 'Platforms that the images are expected to be for' -r
complete -c coracle -n "__fish_coracle_using_subcommand rmi" -s a -l all -d 'All images'
complete -c coracle -n "__fish_coracle_using_subcommand rmi" -s f -l force -d 'Remove an image even if it has several names, containers of it exist or it is mounted, and say nothing of images that are not there'
complete -c coracle -n "__fish_coracle_using_subcommand rmi" -s i -l ignore -d 'Say nothing of images that are not there'
complete -c coracle -n "__fish_coracle_using_subcommand rmi" -l no-prune -d 'Accepted for compatibility: images have no parents'
complete -c coracle -n "__fish_coracle_using_subcommand rmi" -s h -l help -d 'Print help'
complete -c coracle -n "__fish_coracle_using_subcommand run" -l guard -d 'End the container when this command ends, even if it is killed; the default where $CI is set' -r
complete -c coracle -n "__fish_coracle_using_subcommand run" -l detach-keys -d 'Keys that detach from the container, such as ctrl-p,ctrl-q' -r
complete -c coracle -n "__fish_coracle_using_subcommand run" -l sig-proxy -d 'Pass signals on to the container' -r
complete -c coracle -n "__fish_coracle_using_subcommand run" -l preserve-fds -d 'Pass on so many file descriptors, from 3 on' -r
complete -c coracle -n "__fish_coracle_using_subcommand run" -l preserve-fd -d 'Pass on these file descriptors' -r
complete -c coracle -n "__fish_coracle_using_subcommand run" -l name -d 'Name of the container; one is made up if none is given' -r
complete -c coracle -n "__fish_coracle_using_subcommand run" -l cidfile -d 'Write the container\'s identifier to a file that does not exist yet' -r
complete -c coracle -n "__fish_coracle_using_subcommand run" -l pidfile -d 'Write the process identifier of the container\'s first process to a file' -r
complete -c coracle -n "__fish_coracle_using_subcommand run" -s l -l label -d 'Add a label' -r
complete -c coracle -n "__fish_coracle_using_subcommand run" -l label-file -d 'Read labels from a file, one a line' -r
complete -c coracle -n "__fish_coracle_using_subcommand run" -l annotation -d 'Add an annotation' -r
complete -c coracle -n "__fish_coracle_using_subcommand run" -l requires -d 'Containers that are started before it, by name or identifier' -r
complete -c coracle -n "__fish_coracle_using_subcommand run" -l restart -d 'When to start the container again: no, on-failure[:TIMES], always or unless-stopped' -r
complete -c coracle -n "__fish_coracle_using_subcommand run" -l stop-signal -d 'Signal that asks the container to stop' -r
complete -c coracle -n "__fish_coracle_using_subcommand run" -l stop-timeout -d 'Seconds to wait after that signal before killing' -r
complete -c coracle -n "__fish_coracle_using_subcommand run" -l timeout -d 'Kill the container after so many seconds' -r
complete -c coracle -n "__fish_coracle_using_subcommand run" -l exit-report -d 'Write how the container ended to a file, as JSON' -r
complete -c coracle -n "__fish_coracle_using_subcommand run" -l conmon-pidfile -d 'Write the process identifier of the container\'s monitor to a file' -r
complete -c coracle -n "__fish_coracle_using_subcommand run" -l sdnotify -d 'Who tells the service manager of $NOTIFY_SOCKET that the container is ready: container, conmon, healthy or ignore' -r
complete -c coracle -n "__fish_coracle_using_subcommand run" -l init -d 'Run our own small init as the first process, which reaps what others leave behind' -r
complete -c coracle -n "__fish_coracle_using_subcommand run" -l init-path -d 'With --init: run this program of the host instead of our own' -r
complete -c coracle -n "__fish_coracle_using_subcommand run" -l log-driver -d 'Where output goes: json-file, k8s-file, journald, passthrough, passthrough-tty or none' -r
complete -c coracle -n "__fish_coracle_using_subcommand run" -l log-opt -d 'Option of the log: path=FILE, max-size=SIZE, max-file=NUMBER, tag=TEXT, labels=KEY,..., env=NAME,... or label=KEY=VALUE' -r
complete -c coracle -n "__fish_coracle_using_subcommand run" -l health-cmd -d 'Check health by a command: a line for the shell, or a JSON list of words; "none" for no check' -r
complete -c coracle -n "__fish_coracle_using_subcommand run" -l health-interval -d 'Time between checks; "disable" checks only when asked to' -r
complete -c coracle -n "__fish_coracle_using_subcommand run" -l health-timeout -d 'Time that a check may take' -r
complete -c coracle -n "__fish_coracle_using_subcommand run" -l health-retries -d 'Failures in a row that make the container unhealthy' -r
complete -c coracle -n "__fish_coracle_using_subcommand run" -l health-start-period -d 'Time at the start in which failures do not count' -r
complete -c coracle -n "__fish_coracle_using_subcommand run" -l health-start-interval -d 'Time between checks in that time' -r
complete -c coracle -n "__fish_coracle_using_subcommand run" -l health-on-failure -d 'What to do when the container becomes unhealthy: none, kill, restart or stop' -r
complete -c coracle -n "__fish_coracle_using_subcommand run" -l health-startup-cmd -d 'Command that has to succeed before health is checked' -r
complete -c coracle -n "__fish_coracle_using_subcommand run" -l health-startup-interval -d 'Time between runs of the startup command' -r
complete -c coracle -n "__fish_coracle_using_subcommand run" -l health-startup-timeout -d 'Time that the startup command may take' -r
complete -c coracle -n "__fish_coracle_using_subcommand run" -l health-startup-retries -d 'Failures in a row after which the container starts anew; 0 for never' -r
complete -c coracle -n "__fish_coracle_using_subcommand run" -l health-startup-success -d 'Successes of the startup command that it takes' -r
complete -c coracle -n "__fish_coracle_using_subcommand run" -l health-log-destination -d 'Where results are to be found besides: local, events_logger, or a directory' -r
complete -c coracle -n "__fish_coracle_using_subcommand run" -l health-max-log-count -d 'Results that are kept; 0 for the most there may be, which is 100' -r
complete -c coracle -n "__fish_coracle_using_subcommand run" -l health-max-log-size -d 'Bytes of output that are kept of a check; 0 for the most there may be, which is 64 KiB' -r
complete -c coracle -n "__fish_coracle_using_subcommand run" -l pull -d 'When to fetch the image from its registry: always, missing, newer or never' -r
complete -c coracle -n "__fish_coracle_using_subcommand run" -l platform -d 'Platform of the image' -r
complete -c coracle -n "__fish_coracle_using_subcommand run" -l arch -d 'Architecture of the image' -r
complete -c coracle -n "__fish_coracle_using_subcommand run" -l os -d 'Operating system of the image' -r
complete -c coracle -n "__fish_coracle_using_subcommand run" -l variant -d 'Variant of the architecture of the image' -r
complete -c coracle -n "__fish_coracle_using_subcommand run" -l authfile -d 'File with credentials' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand run" -l cert-dir -d 'Directory with certificates for the registry: *.crt, *.cert and *.key' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand run" -l tls-verify -d 'Whether to insist on encryption and a valid certificate' -r -f -a "true\t''
false\t''"
complete -c coracle -n "__fish_coracle_using_subcommand run" -l creds -d 'User name and password for the registry' -r
complete -c coracle -n "__fish_coracle_using_subcommand run" -l retry -d 'Tries after what failed when performing pull (default 3)' -r
complete -c coracle -n "__fish_coracle_using_subcommand run" -l retry-delay -d 'Wait after pull failures (default "1s"), doubled each time' -r
complete -c coracle -n "__fish_coracle_using_subcommand run" -l signature-policy -d 'File with the signature policy for what is fetched, instead of policy.json' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand run" -l image-volume -d 'How to provide the volumes of the image: anonymous, tmpfs or ignore' -r
complete -c coracle -n "__fish_coracle_using_subcommand run" -s a -l attach -d 'Connect to a stream: stdin, stdout or stderr' -r
complete -c coracle -n "__fish_coracle_using_subcommand run" -s e -l env -d 'Set an environment variable; NAME alone copies it, NAME* copies all that begin so' -r
complete -c coracle -n "__fish_coracle_using_subcommand run" -l env-file -d 'Read environment variables from a file, one a line' -r
complete -c coracle -n "__fish_coracle_using_subcommand run" -l env-host -d 'Copy the whole environment of the caller' -r
complete -c coracle -n "__fish_coracle_using_subcommand run" -l env-merge -d 'Set a variable to a value in which ${NAME} is a variable of the image' -r
complete -c coracle -n "__fish_coracle_using_subcommand run" -l http-proxy -d 'Copy the caller\'s variables for proxies, which is the default' -r
complete -c coracle -n "__fish_coracle_using_subcommand run" -l unsetenv -d 'Remove a variable of the image or of coracle' -r
complete -c coracle -n "__fish_coracle_using_subcommand run" -l entrypoint -d 'Program to run instead of the image\'s; a JSON list is taken apart' -r
complete -c coracle -n "__fish_coracle_using_subcommand run" -s w -l workdir -d 'Directory to start in' -r
complete -c coracle -n "__fish_coracle_using_subcommand run" -s u -l user -d 'User to run as' -r
complete -c coracle -n "__fish_coracle_using_subcommand run" -l group-add -d 'Add a supplementary group' -r
complete -c coracle -n "__fish_coracle_using_subcommand run" -l systemd -d 'Whether the container is prepared for systemd: true, where its command is that, which is the default, always or false' -r
complete -c coracle -n "__fish_coracle_using_subcommand run" -l shm-size-systemd -d 'Size of each temporary file system that systemd gets' -r
complete -c coracle -n "__fish_coracle_using_subcommand run" -l tz -d 'Time zone, such as Europe/Berlin; "local" for the host\'s' -r
complete -c coracle -n "__fish_coracle_using_subcommand run" -l umask -d 'File mode creation mask, in octal' -r
complete -c coracle -n "__fish_coracle_using_subcommand run" -s v -l volume -d 'Mount a volume or a directory of the host' -r
complete -c coracle -n "__fish_coracle_using_subcommand run" -l mount -d 'Mount something: type=bind, volume or tmpfs' -r
complete -c coracle -n "__fish_coracle_using_subcommand run" -l tmpfs -d 'Mount a temporary file system' -r
complete -c coracle -n "__fish_coracle_using_subcommand run" -l read-only -d 'Make the root file system read-only' -r
complete -c coracle -n "__fish_coracle_using_subcommand run" -l read-only-tmpfs -d 'With --read-only: keep /run, /tmp and /var/tmp writable' -r
complete -c coracle -n "__fish_coracle_using_subcommand run" -l shm-size -d 'Size of /dev/shm' -r
complete -c coracle -n "__fish_coracle_using_subcommand run" -l cap-add -d 'Add a capability' -r
complete -c coracle -n "__fish_coracle_using_subcommand run" -l cap-drop -d 'Drop a capability, or all' -r
complete -c coracle -n "__fish_coracle_using_subcommand run" -l privileged -d 'Give all capabilities and devices that the caller has' -r
complete -c coracle -n "__fish_coracle_using_subcommand run" -l security-opt -d 'no-new-privileges, seccomp=FILE, seccomp=unconfined, mask=PATHS, unmask=PATHS' -r
complete -c coracle -n "__fish_coracle_using_subcommand run" -l userns -d 'User namespace: host, which is the default' -r
complete -c coracle -n "__fish_coracle_using_subcommand run" -l pid -d 'PID namespace: private or host' -r
complete -c coracle -n "__fish_coracle_using_subcommand run" -l ipc -d 'IPC namespace: private or host' -r
complete -c coracle -n "__fish_coracle_using_subcommand run" -l uts -d 'UTS namespace: private or host' -r
complete -c coracle -n "__fish_coracle_using_subcommand run" -l cgroupns -d 'Control group namespace: private or host' -r
complete -c coracle -n "__fish_coracle_using_subcommand run" -l network -l net -d 'Network: none, which is the default, or host' -r
complete -c coracle -n "__fish_coracle_using_subcommand run" -s h -l hostname -d 'Host name; the short identifier if none is given' -r
complete -c coracle -n "__fish_coracle_using_subcommand run" -l domainname -d 'Domain name' -r
complete -c coracle -n "__fish_coracle_using_subcommand run" -l add-host -d 'Add a line to /etc/hosts' -r
complete -c coracle -n "__fish_coracle_using_subcommand run" -l no-hosts -d 'Leave /etc/hosts of the image as it is' -r
complete -c coracle -n "__fish_coracle_using_subcommand run" -l dns -d 'Name server to put into /etc/resolv.conf' -r
complete -c coracle -n "__fish_coracle_using_subcommand run" -l dns-search -d 'Search domain to put into /etc/resolv.conf' -r
complete -c coracle -n "__fish_coracle_using_subcommand run" -l dns-option -l dns-opt -d 'Option to put into /etc/resolv.conf' -r
complete -c coracle -n "__fish_coracle_using_subcommand run" -l expose -d 'Note a port the container listens on' -r
complete -c coracle -n "__fish_coracle_using_subcommand run" -s m -l memory -d 'Memory limit' -r
complete -c coracle -n "__fish_coracle_using_subcommand run" -l memory-swap -d 'Memory and swap together, -1 for as much swap as there is; twice the memory limit if it is not given' -r
complete -c coracle -n "__fish_coracle_using_subcommand run" -l memory-reservation -d 'Memory that is taken from the container last' -r
complete -c coracle -n "__fish_coracle_using_subcommand run" -l cpus -d 'Number of processors, such as 1.5' -r
complete -c coracle -n "__fish_coracle_using_subcommand run" -s c -l cpu-shares -d 'Weight beside others when processors are busy, from 2 to 262144, where 1024 is usual' -r
complete -c coracle -n "__fish_coracle_using_subcommand run" -l cpu-period -d 'Microseconds for which --cpu-quota counts; 100000 if it is not given' -r
complete -c coracle -n "__fish_coracle_using_subcommand run" -l cpu-quota -d 'Microseconds of processor time in each period' -r
complete -c coracle -n "__fish_coracle_using_subcommand run" -l cpuset-cpus -d 'Processors to run on, such as 0-2,4' -r
complete -c coracle -n "__fish_coracle_using_subcommand run" -l cpuset-mems -d 'Memory nodes to take memory from, such as 0,1' -r
complete -c coracle -n "__fish_coracle_using_subcommand run" -l pids-limit -d 'Number of processes; -1 for no limit' -r
complete -c coracle -n "__fish_coracle_using_subcommand run" -l blkio-weight -d 'Weight beside others when block devices are busy, from 10 to 1000' -r
complete -c coracle -n "__fish_coracle_using_subcommand run" -l blkio-weight-device -d 'The same for one device' -r
complete -c coracle -n "__fish_coracle_using_subcommand run" -l device-read-bps -d 'Bytes read from a device in a second' -r
complete -c coracle -n "__fish_coracle_using_subcommand run" -l device-read-iops -d 'Reads from a device in a second' -r
complete -c coracle -n "__fish_coracle_using_subcommand run" -l device-write-bps -d 'Bytes written to a device in a second' -r
complete -c coracle -n "__fish_coracle_using_subcommand run" -l device-write-iops -d 'Writes to a device in a second' -r
complete -c coracle -n "__fish_coracle_using_subcommand run" -l cgroup-conf -d 'Value for a file of the control group, such as memory.high=1G' -r
complete -c coracle -n "__fish_coracle_using_subcommand run" -l cgroups -d 'Control group: enabled, no-conmon and split, which are the same, or disabled for that of the caller' -r
complete -c coracle -n "__fish_coracle_using_subcommand run" -l ulimit -d 'Resource limit' -r
complete -c coracle -n "__fish_coracle_using_subcommand run" -l sysctl -d 'Kernel parameter of a namespace of the container' -r
complete -c coracle -n "__fish_coracle_using_subcommand run" -l oom-score-adj -d 'How soon the kernel kills the container when memory runs out, from -1000 to 1000' -r
complete -c coracle -n "__fish_coracle_using_subcommand run" -l help -d 'Print help'
complete -c coracle -n "__fish_coracle_using_subcommand run" -s d -l detach -d 'Start in the background and print the identifier'
complete -c coracle -n "__fish_coracle_using_subcommand run" -l rmi -d 'Remove the container, and then the image unless something else needs it'
complete -c coracle -n "__fish_coracle_using_subcommand run" -l replace -d 'Remove an existing container of that name first'
complete -c coracle -n "__fish_coracle_using_subcommand run" -l rm -d 'Remove the container as soon as it has ended'
complete -c coracle -n "__fish_coracle_using_subcommand run" -s q -l quiet -d 'Print no progress'
complete -c coracle -n "__fish_coracle_using_subcommand run" -l no-healthcheck -d 'Do not run the health check of the image'
complete -c coracle -n "__fish_coracle_using_subcommand run" -l rootfs -d 'The first argument is a directory that holds the root file system; DIR:O keeps changes apart'
complete -c coracle -n "__fish_coracle_using_subcommand run" -s i -l interactive -d 'Keep standard input open'
complete -c coracle -n "__fish_coracle_using_subcommand run" -s t -l tty -d 'Give the container a terminal'
complete -c coracle -n "__fish_coracle_using_subcommand run" -l unsetenv-all -d 'Remove all variables of the image and of coracle'
complete -c coracle -n "__fish_coracle_using_subcommand runtime; and not __fish_seen_subcommand_from create delete features kill spec start state help" -l root -d 'Directory for the state of containers' -r
complete -c coracle -n "__fish_coracle_using_subcommand runtime; and not __fish_seen_subcommand_from create delete features kill spec start state help" -l log -d 'File for messages' -r
complete -c coracle -n "__fish_coracle_using_subcommand runtime; and not __fish_seen_subcommand_from create delete features kill spec start state help" -l log-format -d 'Format of messages: text or json' -r
complete -c coracle -n "__fish_coracle_using_subcommand runtime; and not __fish_seen_subcommand_from create delete features kill spec start state help" -l rootless -d 'Accepted for compatibility' -r
complete -c coracle -n "__fish_coracle_using_subcommand runtime; and not __fish_seen_subcommand_from create delete features kill spec start state help" -l debug -d 'Accepted for compatibility'
complete -c coracle -n "__fish_coracle_using_subcommand runtime; and not __fish_seen_subcommand_from create delete features kill spec start state help" -l systemd-cgroup -d 'Accepted for compatibility: control groups are always made directly'
complete -c coracle -n "__fish_coracle_using_subcommand runtime; and not __fish_seen_subcommand_from create delete features kill spec start state help" -s v -l version -d 'Print the version and that of the specification'
complete -c coracle -n "__fish_coracle_using_subcommand runtime; and not __fish_seen_subcommand_from create delete features kill spec start state help" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c coracle -n "__fish_coracle_using_subcommand runtime; and not __fish_seen_subcommand_from create delete features kill spec start state help" -f -a "create" -d 'Make a container of a bundle'
complete -c coracle -n "__fish_coracle_using_subcommand runtime; and not __fish_seen_subcommand_from create delete features kill spec start state help" -f -a "delete" -d 'Delete a container that has ended'
complete -c coracle -n "__fish_coracle_using_subcommand runtime; and not __fish_seen_subcommand_from create delete features kill spec start state help" -f -a "features" -d 'Print what the runtime can do'
complete -c coracle -n "__fish_coracle_using_subcommand runtime; and not __fish_seen_subcommand_from create delete features kill spec start state help" -f -a "kill" -d 'Send a signal to a container'
complete -c coracle -n "__fish_coracle_using_subcommand runtime; and not __fish_seen_subcommand_from create delete features kill spec start state help" -f -a "spec" -d 'Write an example of config.json'
complete -c coracle -n "__fish_coracle_using_subcommand runtime; and not __fish_seen_subcommand_from create delete features kill spec start state help" -f -a "start" -d 'Start a container that was created'
complete -c coracle -n "__fish_coracle_using_subcommand runtime; and not __fish_seen_subcommand_from create delete features kill spec start state help" -f -a "state" -d 'Print the state of a container'
complete -c coracle -n "__fish_coracle_using_subcommand runtime; and not __fish_seen_subcommand_from create delete features kill spec start state help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c coracle -n "__fish_coracle_using_subcommand runtime; and __fish_seen_subcommand_from create" -s b -l bundle -d 'Directory with config.json' -r
complete -c coracle -n "__fish_coracle_using_subcommand runtime; and __fish_seen_subcommand_from create" -l console-socket -d 'Socket to send the master side of the terminal to' -r
complete -c coracle -n "__fish_coracle_using_subcommand runtime; and __fish_seen_subcommand_from create" -l pid-file -d 'File for the process identifier' -r
complete -c coracle -n "__fish_coracle_using_subcommand runtime; and __fish_seen_subcommand_from create" -l preserve-fds -d 'Pass this many more file descriptors on' -r
complete -c coracle -n "__fish_coracle_using_subcommand runtime; and __fish_seen_subcommand_from create" -l no-pivot -d 'Move the root instead of pivoting, for a root on a RAM disk'
complete -c coracle -n "__fish_coracle_using_subcommand runtime; and __fish_seen_subcommand_from create" -l no-new-keyring -d 'Accepted for compatibility: no session keyring is made'
complete -c coracle -n "__fish_coracle_using_subcommand runtime; and __fish_seen_subcommand_from create" -s h -l help -d 'Print help'
complete -c coracle -n "__fish_coracle_using_subcommand runtime; and __fish_seen_subcommand_from delete" -s f -l force -d 'Kill it first, and say nothing if it is not there'
complete -c coracle -n "__fish_coracle_using_subcommand runtime; and __fish_seen_subcommand_from delete" -s h -l help -d 'Print help'
complete -c coracle -n "__fish_coracle_using_subcommand runtime; and __fish_seen_subcommand_from features" -s h -l help -d 'Print help'
complete -c coracle -n "__fish_coracle_using_subcommand runtime; and __fish_seen_subcommand_from kill" -s a -l all -d 'Send it to all processes of the container'
complete -c coracle -n "__fish_coracle_using_subcommand runtime; and __fish_seen_subcommand_from kill" -s h -l help -d 'Print help'
complete -c coracle -n "__fish_coracle_using_subcommand runtime; and __fish_seen_subcommand_from spec" -s b -l bundle -d 'Directory to write it to' -r
complete -c coracle -n "__fish_coracle_using_subcommand runtime; and __fish_seen_subcommand_from spec" -l rootless -d 'Make it fit for an ordinary user'
complete -c coracle -n "__fish_coracle_using_subcommand runtime; and __fish_seen_subcommand_from spec" -s h -l help -d 'Print help'
complete -c coracle -n "__fish_coracle_using_subcommand runtime; and __fish_seen_subcommand_from start" -s h -l help -d 'Print help'
complete -c coracle -n "__fish_coracle_using_subcommand runtime; and __fish_seen_subcommand_from state" -s h -l help -d 'Print help'
complete -c coracle -n "__fish_coracle_using_subcommand runtime; and __fish_seen_subcommand_from help" -f -a "create"
complete -c coracle -n "__fish_coracle_using_subcommand runtime; and __fish_seen_subcommand_from help" -f -a "delete"
complete -c coracle -n "__fish_coracle_using_subcommand runtime; and __fish_seen_subcommand_from help" -f -a "features"
complete -c coracle -n "__fish_coracle_using_subcommand runtime; and __fish_seen_subcommand_from help" -f -a "kill"
complete -c coracle -n "__fish_coracle_using_subcommand runtime; and __fish_seen_subcommand_from help" -f -a "spec"
complete -c coracle -n "__fish_coracle_using_subcommand runtime; and __fish_seen_subcommand_from help" -f -a "start"
complete -c coracle -n "__fish_coracle_using_subcommand runtime; and __fish_seen_subcommand_from help" -f -a "state"
complete -c coracle -n "__fish_coracle_using_subcommand runtime; and __fish_seen_subcommand_from help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c coracle -n "__fish_coracle_using_subcommand save" -s o -l output -d 'File to write instead of standard output' -r
complete -c coracle -n "__fish_coracle_using_subcommand save" -l format -d 'Format: docker-archive, oci-archive, oci-dir or docker-dir' -r
complete -c coracle -n "__fish_coracle_using_subcommand save" -l platform -d 'Platforms that the images are expected to be for; of lists, those whose images are saved' -r
complete -c coracle -n "__fish_coracle_using_subcommand save" -s m -l multi-image-archive -d 'Accepted for compatibility: several images may always be saved to one archive'
complete -c coracle -n "__fish_coracle_using_subcommand save" -s q -l quiet -d 'Print no progress'
complete -c coracle -n "__fish_coracle_using_subcommand save" -s h -l help -d 'Print help'
complete -c coracle -n "__fish_coracle_using_subcommand search" -s f -l filter -d 'Only what fits: stars=NUMBER, is-official or is-automated' -r
complete -c coracle -n "__fish_coracle_using_subcommand search" -l format -d 'Print by a Go template, as "table TEMPLATE", or as "json"' -r
complete -c coracle -n "__fish_coracle_using_subcommand search" -l limit -d 'Most results (25)' -r
complete -c coracle -n "__fish_coracle_using_subcommand search" -l authfile -d 'File with credentials' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand search" -l cert-dir -d 'Directory with certificates for the registry: *.crt, *.cert and *.key' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand search" -l tls-verify -d 'Whether to insist on encryption and a valid certificate' -r -f -a "true\t''
false\t''"
complete -c coracle -n "__fish_coracle_using_subcommand search" -l creds -d 'User name and password for the registry' -r
complete -c coracle -n "__fish_coracle_using_subcommand search" -l retry -d 'Tries after what failed when performing pull (default 3)' -r
complete -c coracle -n "__fish_coracle_using_subcommand search" -l retry-delay -d 'Wait after pull failures (default "1s"), doubled each time' -r
complete -c coracle -n "__fish_coracle_using_subcommand search" -l signature-policy -d 'File with the signature policy for what is fetched, instead of policy.json' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand search" -l compatible -d 'Show stars, and what is official'
complete -c coracle -n "__fish_coracle_using_subcommand search" -l list-tags -d 'List the tags of a repository'
complete -c coracle -n "__fish_coracle_using_subcommand search" -l no-trunc -d 'Do not shorten descriptions'
complete -c coracle -n "__fish_coracle_using_subcommand search" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c coracle -n "__fish_coracle_using_subcommand start" -l detach-keys -d 'Keys that detach from the container, such as ctrl-p,ctrl-q' -r
complete -c coracle -n "__fish_coracle_using_subcommand start" -l sig-proxy -d 'Pass signals on to the container' -r
complete -c coracle -n "__fish_coracle_using_subcommand start" -s f -l filter -d 'Containers that fit' -r
complete -c coracle -n "__fish_coracle_using_subcommand start" -s a -l attach -d 'Stay connected to the container, and end with its exit status'
complete -c coracle -n "__fish_coracle_using_subcommand start" -s i -l interactive -d 'Connect standard input too'
complete -c coracle -n "__fish_coracle_using_subcommand start" -l all -d 'All containers'
complete -c coracle -n "__fish_coracle_using_subcommand start" -s l -l latest -d 'The container made last'
complete -c coracle -n "__fish_coracle_using_subcommand start" -s h -l help -d 'Print help'
complete -c coracle -n "__fish_coracle_using_subcommand stats" -l format -d 'Print by a Go template, as "table TEMPLATE", or as "json"' -r
complete -c coracle -n "__fish_coracle_using_subcommand stats" -s i -l interval -d 'Seconds between two looks' -r
complete -c coracle -n "__fish_coracle_using_subcommand stats" -s a -l all -d 'Show all containers, not only those that run'
complete -c coracle -n "__fish_coracle_using_subcommand stats" -l no-stream -d 'Show it once'
complete -c coracle -n "__fish_coracle_using_subcommand stats" -l no-trunc -d 'Do not shorten anything'
complete -c coracle -n "__fish_coracle_using_subcommand stats" -l no-reset -d 'On a terminal: print below what was printed before, instead of over it'
complete -c coracle -n "__fish_coracle_using_subcommand stats" -s l -l latest -d 'The container made last'
complete -c coracle -n "__fish_coracle_using_subcommand stats" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c coracle -n "__fish_coracle_using_subcommand stop" -s t -l time -l timeout -d 'Seconds to wait before killing; -1 waits for ever' -r
complete -c coracle -n "__fish_coracle_using_subcommand stop" -s s -l signal -d 'Signal to send instead of the container\'s own' -r
complete -c coracle -n "__fish_coracle_using_subcommand stop" -s f -l filter -d 'Containers that fit' -r
complete -c coracle -n "__fish_coracle_using_subcommand stop" -l cidfile -d 'Containers whose identifiers are in a file' -r
complete -c coracle -n "__fish_coracle_using_subcommand stop" -s i -l ignore -d 'Say nothing of containers that are not there'
complete -c coracle -n "__fish_coracle_using_subcommand stop" -s a -l all -d 'All containers'
complete -c coracle -n "__fish_coracle_using_subcommand stop" -s l -l latest -d 'The container made last'
complete -c coracle -n "__fish_coracle_using_subcommand stop" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c coracle -n "__fish_coracle_using_subcommand system; and not __fish_seen_subcommand_from check df events info migrate prune renumber reset share unshare help" -s h -l help -d 'Print help'
complete -c coracle -n "__fish_coracle_using_subcommand system; and not __fish_seen_subcommand_from check df events info migrate prune renumber reset share unshare help" -f -a "check" -d 'Look for damage in the store'
complete -c coracle -n "__fish_coracle_using_subcommand system; and not __fish_seen_subcommand_from check df events info migrate prune renumber reset share unshare help" -f -a "df" -d 'Show what uses the disk'
complete -c coracle -n "__fish_coracle_using_subcommand system; and not __fish_seen_subcommand_from check df events info migrate prune renumber reset share unshare help" -f -a "events" -d 'Print what happened to containers, images and volumes, and what happens'
complete -c coracle -n "__fish_coracle_using_subcommand system; and not __fish_seen_subcommand_from check df events info migrate prune renumber reset share unshare help" -f -a "info" -d 'Print what the host and the store are like'
complete -c coracle -n "__fish_coracle_using_subcommand system; and not __fish_seen_subcommand_from check df events info migrate prune renumber reset share unshare help" -f -a "migrate" -d 'Accepted for compatibility: new versions find the store as it is'
complete -c coracle -n "__fish_coracle_using_subcommand system; and not __fish_seen_subcommand_from check df events info migrate prune renumber reset share unshare help" -f -a "prune" -d 'Remove what is not in use'
complete -c coracle -n "__fish_coracle_using_subcommand system; and not __fish_seen_subcommand_from check df events info migrate prune renumber reset share unshare help" -f -a "renumber" -d 'Accepted for compatibility: locks have no numbers'
complete -c coracle -n "__fish_coracle_using_subcommand system; and not __fish_seen_subcommand_from check df events info migrate prune renumber reset share unshare help" -f -a "reset" -d 'Remove everything: containers, images, volumes'
complete -c coracle -n "__fish_coracle_using_subcommand system; and not __fish_seen_subcommand_from check df events info migrate prune renumber reset share unshare help" -f -a "share" -d 'Let all users of the machine use images'
complete -c coracle -n "__fish_coracle_using_subcommand system; and not __fish_seen_subcommand_from check df events info migrate prune renumber reset share unshare help" -f -a "unshare" -d 'Run a command in the user namespace of the containers'
complete -c coracle -n "__fish_coracle_using_subcommand system; and not __fish_seen_subcommand_from check df events info migrate prune renumber reset share unshare help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c coracle -n "__fish_coracle_using_subcommand system; and __fish_seen_subcommand_from check" -s m -l max -d 'How old leftovers must be to be called damage' -r
complete -c coracle -n "__fish_coracle_using_subcommand system; and __fish_seen_subcommand_from check" -s r -l repair -d 'Repair what can be repaired, and remove the rest'
complete -c coracle -n "__fish_coracle_using_subcommand system; and __fish_seen_subcommand_from check" -s f -l force -d 'With --repair: remove damaged containers too'
complete -c coracle -n "__fish_coracle_using_subcommand system; and __fish_seen_subcommand_from check" -s q -l quick -d 'Do not read all data'
complete -c coracle -n "__fish_coracle_using_subcommand system; and __fish_seen_subcommand_from check" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c coracle -n "__fish_coracle_using_subcommand system; and __fish_seen_subcommand_from df" -l format -d 'Print by a Go template, as "table TEMPLATE", or as "json"' -r
complete -c coracle -n "__fish_coracle_using_subcommand system; and __fish_seen_subcommand_from df" -s v -l verbose -d 'Show every image, container and volume'
complete -c coracle -n "__fish_coracle_using_subcommand system; and __fish_seen_subcommand_from df" -s h -l help -d 'Print help'
complete -c coracle -n "__fish_coracle_using_subcommand system; and __fish_seen_subcommand_from events" -s f -l filter -d 'Only events that fit: container, event, image, label, type, volume and more' -r
complete -c coracle -n "__fish_coracle_using_subcommand system; and __fish_seen_subcommand_from events" -l format -d 'Print by a Go template, or as "json"' -r
complete -c coracle -n "__fish_coracle_using_subcommand system; and __fish_seen_subcommand_from events" -l since -d 'Only events after this time: a date, a number of seconds, or a time ago such as 10m' -r
complete -c coracle -n "__fish_coracle_using_subcommand system; and __fish_seen_subcommand_from events" -l until -d 'Only events before this time, which may be to come; without --since, 10m is in ten minutes' -r
complete -c coracle -n "__fish_coracle_using_subcommand system; and __fish_seen_subcommand_from events" -l stream -d 'Go on with what happens' -r
complete -c coracle -n "__fish_coracle_using_subcommand system; and __fish_seen_subcommand_from events" -l no-trunc -d 'Do not shorten identifiers' -r
complete -c coracle -n "__fish_coracle_using_subcommand system; and __fish_seen_subcommand_from events" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c coracle -n "__fish_coracle_using_subcommand system; and __fish_seen_subcommand_from info" -s f -l format -d 'Print by a Go template, or as "json"' -r
complete -c coracle -n "__fish_coracle_using_subcommand system; and __fish_seen_subcommand_from info" -s D -l debug -d 'Accepted for compatibility'
complete -c coracle -n "__fish_coracle_using_subcommand system; and __fish_seen_subcommand_from info" -s h -l help -d 'Print help'
complete -c coracle -n "__fish_coracle_using_subcommand system; and __fish_seen_subcommand_from migrate" -l new-runtime -d 'Accepted for compatibility: the runtime is part of this program' -r
complete -c coracle -n "__fish_coracle_using_subcommand system; and __fish_seen_subcommand_from migrate" -l migrate-db -d 'Accepted for compatibility: there is no database'
complete -c coracle -n "__fish_coracle_using_subcommand system; and __fish_seen_subcommand_from migrate" -s h -l help -d 'Print help'
complete -c coracle -n "__fish_coracle_using_subcommand system; and __fish_seen_subcommand_from prune" -l filter -d 'Only what fits: label, label! or until' -r
complete -c coracle -n "__fish_coracle_using_subcommand system; and __fish_seen_subcommand_from prune" -s a -l all -d 'Remove all images without containers, named or not'
complete -c coracle -n "__fish_coracle_using_subcommand system; and __fish_seen_subcommand_from prune" -s f -l force -d 'Do not ask'
complete -c coracle -n "__fish_coracle_using_subcommand system; and __fish_seen_subcommand_from prune" -l volumes -d 'Remove volumes without containers too'
complete -c coracle -n "__fish_coracle_using_subcommand system; and __fish_seen_subcommand_from prune" -l dry-run -d 'Only print what would be removed'
complete -c coracle -n "__fish_coracle_using_subcommand system; and __fish_seen_subcommand_from prune" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c coracle -n "__fish_coracle_using_subcommand system; and __fish_seen_subcommand_from renumber" -s h -l help -d 'Print help'
complete -c coracle -n "__fish_coracle_using_subcommand system; and __fish_seen_subcommand_from reset" -s f -l force -d 'Do not ask'
complete -c coracle -n "__fish_coracle_using_subcommand system; and __fish_seen_subcommand_from reset" -s h -l help -d 'Print help'
complete -c coracle -n "__fish_coracle_using_subcommand system; and __fish_seen_subcommand_from share" -l store -d 'Directory of the shared store instead of /var/lib/coracle-shared' -r
complete -c coracle -n "__fish_coracle_using_subcommand system; and __fish_seen_subcommand_from share" -l rm -d 'Share the images no longer'
complete -c coracle -n "__fish_coracle_using_subcommand system; and __fish_seen_subcommand_from share" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c coracle -n "__fish_coracle_using_subcommand system; and __fish_seen_subcommand_from unshare" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c coracle -n "__fish_coracle_using_subcommand system; and __fish_seen_subcommand_from help" -f -a "check"
complete -c coracle -n "__fish_coracle_using_subcommand system; and __fish_seen_subcommand_from help" -f -a "df"
complete -c coracle -n "__fish_coracle_using_subcommand system; and __fish_seen_subcommand_from help" -f -a "events"
complete -c coracle -n "__fish_coracle_using_subcommand system; and __fish_seen_subcommand_from help" -f -a "info"
complete -c coracle -n "__fish_coracle_using_subcommand system; and __fish_seen_subcommand_from help" -f -a "migrate"
complete -c coracle -n "__fish_coracle_using_subcommand system; and __fish_seen_subcommand_from help" -f -a "prune"
complete -c coracle -n "__fish_coracle_using_subcommand system; and __fish_seen_subcommand_from help" -f -a "renumber"
complete -c coracle -n "__fish_coracle_using_subcommand system; and __fish_seen_subcommand_from help" -f -a "reset"
complete -c coracle -n "__fish_coracle_using_subcommand system; and __fish_seen_subcommand_from help" -f -a "share"
complete -c coracle -n "__fish_coracle_using_subcommand system; and __fish_seen_subcommand_from help" -f -a "unshare"
complete -c coracle -n "__fish_coracle_using_subcommand system; and __fish_seen_subcommand_from help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c coracle -n "__fish_coracle_using_subcommand tag" -s h -l help -d 'Print help'
complete -c coracle -n "__fish_coracle_using_subcommand top" -s l -l latest -d 'The container made last; all arguments are descriptors'
complete -c coracle -n "__fish_coracle_using_subcommand top" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c coracle -n "__fish_coracle_using_subcommand unpause" -s f -l filter -d 'Of the paused containers, those that fit' -r
complete -c coracle -n "__fish_coracle_using_subcommand unpause" -l cidfile -d 'Containers whose identifiers are in a file' -r
complete -c coracle -n "__fish_coracle_using_subcommand unpause" -s a -l all -d 'All containers'
complete -c coracle -n "__fish_coracle_using_subcommand unpause" -s l -l latest -d 'The container made last'
complete -c coracle -n "__fish_coracle_using_subcommand unpause" -s h -l help -d 'Print help'
complete -c coracle -n "__fish_coracle_using_subcommand unshare" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c coracle -n "__fish_coracle_using_subcommand untag" -s h -l help -d 'Print help'
complete -c coracle -n "__fish_coracle_using_subcommand update" -l restart -d 'When it starts again by itself: no, on-failure[:TIMES], always or unless-stopped' -r
complete -c coracle -n "__fish_coracle_using_subcommand update" -s e -l env -d 'Set an environment variable; NAME alone copies it, NAME* copies all that begin so' -r
complete -c coracle -n "__fish_coracle_using_subcommand update" -l unsetenv -d 'Remove a variable' -r
complete -c coracle -n "__fish_coracle_using_subcommand update" -s m -l memory -d 'Memory limit' -r
complete -c coracle -n "__fish_coracle_using_subcommand update" -l memory-swap -d 'Memory and swap together, -1 for as much swap as there is; twice the memory limit if it is not given' -r
complete -c coracle -n "__fish_coracle_using_subcommand update" -l memory-reservation -d 'Memory that is taken from the container last' -r
complete -c coracle -n "__fish_coracle_using_subcommand update" -l cpus -d 'Number of processors, such as 1.5' -r
complete -c coracle -n "__fish_coracle_using_subcommand update" -s c -l cpu-shares -d 'Weight beside others when processors are busy, from 2 to 262144, where 1024 is usual' -r
complete -c coracle -n "__fish_coracle_using_subcommand update" -l cpu-period -d 'Microseconds for which --cpu-quota counts; 100000 if it is not given' -r
complete -c coracle -n "__fish_coracle_using_subcommand update" -l cpu-quota -d 'Microseconds of processor time in each period' -r
complete -c coracle -n "__fish_coracle_using_subcommand update" -l cpuset-cpus -d 'Processors to run on, such as 0-2,4' -r
complete -c coracle -n "__fish_coracle_using_subcommand update" -l cpuset-mems -d 'Memory nodes to take memory from, such as 0,1' -r
complete -c coracle -n "__fish_coracle_using_subcommand update" -l pids-limit -d 'Number of processes; -1 for no limit' -r
complete -c coracle -n "__fish_coracle_using_subcommand update" -l blkio-weight -d 'Weight beside others when block devices are busy, from 10 to 1000' -r
complete -c coracle -n "__fish_coracle_using_subcommand update" -l blkio-weight-device -d 'The same for one device' -r
complete -c coracle -n "__fish_coracle_using_subcommand update" -l device-read-bps -d 'Bytes read from a device in a second' -r
complete -c coracle -n "__fish_coracle_using_subcommand update" -l device-read-iops -d 'Reads from a device in a second' -r
complete -c coracle -n "__fish_coracle_using_subcommand update" -l device-write-bps -d 'Bytes written to a device in a second' -r
complete -c coracle -n "__fish_coracle_using_subcommand update" -l device-write-iops -d 'Writes to a device in a second' -r
complete -c coracle -n "__fish_coracle_using_subcommand update" -l cgroup-conf -d 'Value for a file of the control group, such as memory.high=1G' -r
complete -c coracle -n "__fish_coracle_using_subcommand update" -l health-cmd -d 'Check health by a command: a line for the shell, or a JSON list of words; "none" for no check' -r
complete -c coracle -n "__fish_coracle_using_subcommand update" -l health-interval -d 'Time between checks; "disable" checks only when asked to' -r
complete -c coracle -n "__fish_coracle_using_subcommand update" -l health-timeout -d 'Time that a check may take' -r
complete -c coracle -n "__fish_coracle_using_subcommand update" -l health-retries -d 'Failures in a row that make the container unhealthy' -r
complete -c coracle -n "__fish_coracle_using_subcommand update" -l health-start-period -d 'Time at the start in which failures do not count' -r
complete -c coracle -n "__fish_coracle_using_subcommand update" -l health-start-interval -d 'Time between checks in that time' -r
complete -c coracle -n "__fish_coracle_using_subcommand update" -l health-on-failure -d 'What to do when the container becomes unhealthy: none, kill, restart or stop' -r
complete -c coracle -n "__fish_coracle_using_subcommand update" -l health-startup-cmd -d 'Command that has to succeed before health is checked' -r
complete -c coracle -n "__fish_coracle_using_subcommand update" -l health-startup-interval -d 'Time between runs of the startup command' -r
complete -c coracle -n "__fish_coracle_using_subcommand update" -l health-startup-timeout -d 'Time that the startup command may take' -r
complete -c coracle -n "__fish_coracle_using_subcommand update" -l health-startup-retries -d 'Failures in a row after which the container starts anew; 0 for never' -r
complete -c coracle -n "__fish_coracle_using_subcommand update" -l health-startup-success -d 'Successes of the startup command that it takes' -r
complete -c coracle -n "__fish_coracle_using_subcommand update" -l health-log-destination -d 'Where results are to be found besides: local, events_logger, or a directory' -r
complete -c coracle -n "__fish_coracle_using_subcommand update" -l health-max-log-count -d 'Results that are kept; 0 for the most there may be, which is 100' -r
complete -c coracle -n "__fish_coracle_using_subcommand update" -l health-max-log-size -d 'Bytes of output that are kept of a check; 0 for the most there may be, which is 64 KiB' -r
complete -c coracle -n "__fish_coracle_using_subcommand update" -s l -l latest -d 'The container made last'
complete -c coracle -n "__fish_coracle_using_subcommand update" -l no-healthcheck -d 'Do not run the health check of the image'
complete -c coracle -n "__fish_coracle_using_subcommand update" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c coracle -n "__fish_coracle_using_subcommand version" -s f -l format -d 'Print by a Go template, or as "json"' -r
complete -c coracle -n "__fish_coracle_using_subcommand version" -s h -l help -d 'Print help'
complete -c coracle -n "__fish_coracle_using_subcommand volume; and not __fish_seen_subcommand_from create exists inspect ls list prune rm remove help" -s h -l help -d 'Print help'
complete -c coracle -n "__fish_coracle_using_subcommand volume; and not __fish_seen_subcommand_from create exists inspect ls list prune rm remove help" -f -a "create" -d 'Make a volume'
complete -c coracle -n "__fish_coracle_using_subcommand volume; and not __fish_seen_subcommand_from create exists inspect ls list prune rm remove help" -f -a "exists" -d 'End with status 0 if a volume exists, and 1 if it does not'
complete -c coracle -n "__fish_coracle_using_subcommand volume; and not __fish_seen_subcommand_from create exists inspect ls list prune rm remove help" -f -a "inspect" -d 'Print everything about volumes'
complete -c coracle -n "__fish_coracle_using_subcommand volume; and not __fish_seen_subcommand_from create exists inspect ls list prune rm remove help" -f -a "ls" -d 'List volumes'
complete -c coracle -n "__fish_coracle_using_subcommand volume; and not __fish_seen_subcommand_from create exists inspect ls list prune rm remove help" -f -a "list" -d 'List volumes'
complete -c coracle -n "__fish_coracle_using_subcommand volume; and not __fish_seen_subcommand_from create exists inspect ls list prune rm remove help" -f -a "prune" -d 'Remove volumes without containers'
complete -c coracle -n "__fish_coracle_using_subcommand volume; and not __fish_seen_subcommand_from create exists inspect ls list prune rm remove help" -f -a "rm" -d 'Remove volumes'
complete -c coracle -n "__fish_coracle_using_subcommand volume; and not __fish_seen_subcommand_from create exists inspect ls list prune rm remove help" -f -a "remove" -d 'Remove volumes'
complete -c coracle -n "__fish_coracle_using_subcommand volume; and not __fish_seen_subcommand_from create exists inspect ls list prune rm remove help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c coracle -n "__fish_coracle_using_subcommand volume; and __fish_seen_subcommand_from create" -s d -l driver -d 'Driver; there is only local' -r
complete -c coracle -n "__fish_coracle_using_subcommand volume; and __fish_seen_subcommand_from create" -s l -l label -d 'Add a label' -r
complete -c coracle -n "__fish_coracle_using_subcommand volume; and __fish_seen_subcommand_from create" -s o -l opt -d 'Say how the volume is made: o=uid=UID,gid=GID,nocopy' -r
complete -c coracle -n "__fish_coracle_using_subcommand volume; and __fish_seen_subcommand_from create" -l uid -d 'Owner of the volume\'s directory, as containers see it' -r
complete -c coracle -n "__fish_coracle_using_subcommand volume; and __fish_seen_subcommand_from create" -l gid -d 'Group of the volume\'s directory, as containers see it' -r
complete -c coracle -n "__fish_coracle_using_subcommand volume; and __fish_seen_subcommand_from create" -l ignore -d 'Be content if the volume exists already'
complete -c coracle -n "__fish_coracle_using_subcommand volume; and __fish_seen_subcommand_from create" -s h -l help -d 'Print help'
complete -c coracle -n "__fish_coracle_using_subcommand volume; and __fish_seen_subcommand_from exists" -s h -l help -d 'Print help'
complete -c coracle -n "__fish_coracle_using_subcommand volume; and __fish_seen_subcommand_from inspect" -s f -l format -d 'Print by a Go template' -r
complete -c coracle -n "__fish_coracle_using_subcommand volume; and __fish_seen_subcommand_from inspect" -s a -l all -d 'All volumes'
complete -c coracle -n "__fish_coracle_using_subcommand volume; and __fish_seen_subcommand_from inspect" -s h -l help -d 'Print help'
complete -c coracle -n "__fish_coracle_using_subcommand volume; and __fish_seen_subcommand_from ls" -s f -l filter -d 'Only volumes that fit' -r
complete -c coracle -n "__fish_coracle_using_subcommand volume; and __fish_seen_subcommand_from ls" -l format -d 'Print by a Go template, as "table TEMPLATE", or as "json"' -r
complete -c coracle -n "__fish_coracle_using_subcommand volume; and __fish_seen_subcommand_from ls" -s n -l noheading -d 'Print no heading'
complete -c coracle -n "__fish_coracle_using_subcommand volume; and __fish_seen_subcommand_from ls" -s q -l quiet -d 'Print names only'
complete -c coracle -n "__fish_coracle_using_subcommand volume; and __fish_seen_subcommand_from ls" -s h -l help -d 'Print help'
complete -c coracle -n "__fish_coracle_using_subcommand volume; and __fish_seen_subcommand_from list" -s f -l filter -d 'Only volumes that fit' -r
complete -c coracle -n "__fish_coracle_using_subcommand volume; and __fish_seen_subcommand_from list" -l format -d 'Print by a Go template, as "table TEMPLATE", or as "json"' -r
complete -c coracle -n "__fish_coracle_using_subcommand volume; and __fish_seen_subcommand_from list" -s n -l noheading -d 'Print no heading'
complete -c coracle -n "__fish_coracle_using_subcommand volume; and __fish_seen_subcommand_from list" -s q -l quiet -d 'Print names only'
complete -c coracle -n "__fish_coracle_using_subcommand volume; and __fish_seen_subcommand_from list" -s h -l help -d 'Print help'
complete -c coracle -n "__fish_coracle_using_subcommand volume; and __fish_seen_subcommand_from prune" -l filter -d 'Only volumes that fit: label, label!, until or all' -r
complete -c coracle -n "__fish_coracle_using_subcommand volume; and __fish_seen_subcommand_from prune" -s a -l all -d 'Remove volumes with a name too'
complete -c coracle -n "__fish_coracle_using_subcommand volume; and __fish_seen_subcommand_from prune" -s f -l force -d 'Do not ask'
complete -c coracle -n "__fish_coracle_using_subcommand volume; and __fish_seen_subcommand_from prune" -l dry-run -d 'Only print what would be removed'
complete -c coracle -n "__fish_coracle_using_subcommand volume; and __fish_seen_subcommand_from prune" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c coracle -n "__fish_coracle_using_subcommand volume; and __fish_seen_subcommand_from rm" -s t -l time -d 'With --force: seconds to wait before killing containers' -r
complete -c coracle -n "__fish_coracle_using_subcommand volume; and __fish_seen_subcommand_from rm" -s a -l all -d 'All volumes'
complete -c coracle -n "__fish_coracle_using_subcommand volume; and __fish_seen_subcommand_from rm" -s f -l force -d 'Say nothing of volumes that are not there; ask whether to remove the containers of those in use'
complete -c coracle -n "__fish_coracle_using_subcommand volume; and __fish_seen_subcommand_from rm" -s h -l help -d 'Print help'
complete -c coracle -n "__fish_coracle_using_subcommand volume; and __fish_seen_subcommand_from remove" -s t -l time -d 'With --force: seconds to wait before killing containers' -r
complete -c coracle -n "__fish_coracle_using_subcommand volume; and __fish_seen_subcommand_from remove" -s a -l all -d 'All volumes'
complete -c coracle -n "__fish_coracle_using_subcommand volume; and __fish_seen_subcommand_from remove" -s f -l force -d 'Say nothing of volumes that are not there; ask whether to remove the containers of those in use'
complete -c coracle -n "__fish_coracle_using_subcommand volume; and __fish_seen_subcommand_from remove" -s h -l help -d 'Print help'
complete -c coracle -n "__fish_coracle_using_subcommand volume; and __fish_seen_subcommand_from help" -f -a "create"
complete -c coracle -n "__fish_coracle_using_subcommand volume; and __fish_seen_subcommand_from help" -f -a "exists"
complete -c coracle -n "__fish_coracle_using_subcommand volume; and __fish_seen_subcommand_from help" -f -a "inspect"
complete -c coracle -n "__fish_coracle_using_subcommand volume; and __fish_seen_subcommand_from help" -f -a "ls"
complete -c coracle -n "__fish_coracle_using_subcommand volume; and __fish_seen_subcommand_from help" -f -a "prune"
complete -c coracle -n "__fish_coracle_using_subcommand volume; and __fish_seen_subcommand_from help" -f -a "rm"
complete -c coracle -n "__fish_coracle_using_subcommand volume; and __fish_seen_subcommand_from help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c coracle -n "__fish_coracle_using_subcommand wait" -l condition -d 'What to wait for' -r
complete -c coracle -n "__fish_coracle_using_subcommand wait" -s i -l interval -d 'Accepted for compatibility: there is no interval, since nothing polls' -r
complete -c coracle -n "__fish_coracle_using_subcommand wait" -l ignore -d 'Say nothing of containers that are not there'
complete -c coracle -n "__fish_coracle_using_subcommand wait" -l exit-first-match -d 'End when the first container has reached the state'
complete -c coracle -n "__fish_coracle_using_subcommand wait" -s l -l latest -d 'The container made last'
complete -c coracle -n "__fish_coracle_using_subcommand wait" -s h -l help -d 'Print help'
complete -c coracle -n "__fish_coracle_using_subcommand why" -s f -l format -d 'Print by a Go template, or as "json"' -r
complete -c coracle -n "__fish_coracle_using_subcommand why" -s l -l latest -d 'The container made last'
complete -c coracle -n "__fish_coracle_using_subcommand why" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c coracle -n "__fish_coracle_using_subcommand help; and not __fish_seen_subcommand_from artifact attach completion container create diff doctor events exec export healthcheck history image images import info init inspect kill load login logout logs manifest pause port ps pull push rename restart rm rmi run runtime save search start stats stop system tag top unpause unshare untag update version volume wait why help" -f -a "artifact"
complete -c coracle -n "__fish_coracle_using_subcommand help; and not __fish_seen_subcommand_from artifact attach completion container create diff doctor events exec export healthcheck history image images import info init inspect kill load login logout logs manifest pause port ps pull push rename restart rm rmi run runtime save search start stats stop system tag top unpause unshare untag update version volume wait why help" -f -a "attach"
complete -c coracle -n "__fish_coracle_using_subcommand help; and not __fish_seen_subcommand_from artifact attach completion container create diff doctor events exec export healthcheck history image images import info init inspect kill load login logout logs manifest pause port ps pull push rename restart rm rmi run runtime save search start stats stop system tag top unpause unshare untag update version volume wait why help" -f -a "completion"
complete -c coracle -n "__fish_coracle_using_subcommand help; and not __fish_seen_subcommand_from artifact attach completion container create diff doctor events exec export healthcheck history image images import info init inspect kill load login logout logs manifest pause port ps pull push rename restart rm rmi run runtime save search start stats stop system tag top unpause unshare untag update version volume wait why help" -f -a "container"
complete -c coracle -n "__fish_coracle_using_subcommand help; and not __fish_seen_subcommand_from artifact attach completion container create diff doctor events exec export healthcheck history image images import info init inspect kill load login logout logs manifest pause port ps pull push rename restart rm rmi run runtime save search start stats stop system tag top unpause unshare untag update version volume wait why help" -f -a "create"
complete -c coracle -n "__fish_coracle_using_subcommand help; and not __fish_seen_subcommand_from artifact attach completion container create diff doctor events exec export healthcheck history image images import info init inspect kill load login logout logs manifest pause port ps pull push rename restart rm rmi run runtime save search start stats stop system tag top unpause unshare untag update version volume wait why help" -f -a "diff"
complete -c coracle -n "__fish_coracle_using_subcommand help; and not __fish_seen_subcommand_from artifact attach completion container create diff doctor events exec export healthcheck history image images import info init inspect kill load login logout logs manifest pause port ps pull push rename restart rm rmi run runtime save search start stats stop system tag top unpause unshare untag update version volume wait why help" -f -a "doctor"
complete -c coracle -n "__fish_coracle_using_subcommand help; and not __fish_seen_subcommand_from artifact attach completion container create diff doctor events exec export healthcheck history image images import info init inspect kill load login logout logs manifest pause port ps pull push rename restart rm rmi run runtime save search start stats stop system tag top unpause unshare untag update version volume wait why help" -f -a "events"
complete -c coracle -n "__fish_coracle_using_subcommand help; and not __fish_seen_subcommand_from artifact attach completion container create diff doctor events exec export healthcheck history image images import info init inspect kill load login logout logs manifest pause port ps pull push rename restart rm rmi run runtime save search start stats stop system tag top unpause unshare untag update version volume wait why help" -f -a "exec"
complete -c coracle -n "__fish_coracle_using_subcommand help; and not __fish_seen_subcommand_from artifact attach completion container create diff doctor events exec export healthcheck history image images import info init inspect kill load login logout logs manifest pause port ps pull push rename restart rm rmi run runtime save search start stats stop system tag top unpause unshare untag update version volume wait why help" -f -a "export"
complete -c coracle -n "__fish_coracle_using_subcommand help; and not __fish_seen_subcommand_from artifact attach completion container create diff doctor events exec export healthcheck history image images import info init inspect kill load login logout logs manifest pause port ps pull push rename restart rm rmi run runtime save search start stats stop system tag top unpause unshare untag update version volume wait why help" -f -a "healthcheck"
complete -c coracle -n "__fish_coracle_using_subcommand help; and not __fish_seen_subcommand_from artifact attach completion container create diff doctor events exec export healthcheck history image images import info init inspect kill load login logout logs manifest pause port ps pull push rename restart rm rmi run runtime save search start stats stop system tag top unpause unshare untag update version volume wait why help" -f -a "history"
complete -c coracle -n "__fish_coracle_using_subcommand help; and not __fish_seen_subcommand_from artifact attach completion container create diff doctor events exec export healthcheck history image images import info init inspect kill load login logout logs manifest pause port ps pull push rename restart rm rmi run runtime save search start stats stop system tag top unpause unshare untag update version volume wait why help" -f -a "image"
complete -c coracle -n "__fish_coracle_using_subcommand help; and not __fish_seen_subcommand_from artifact attach completion container create diff doctor events exec export healthcheck history image images import info init inspect kill load login logout logs manifest pause port ps pull push rename restart rm rmi run runtime save search start stats stop system tag top unpause unshare untag update version volume wait why help" -f -a "images"
complete -c coracle -n "__fish_coracle_using_subcommand help; and not __fish_seen_subcommand_from artifact attach completion container create diff doctor events exec export healthcheck history image images import info init inspect kill load login logout logs manifest pause port ps pull push rename restart rm rmi run runtime save search start stats stop system tag top unpause unshare untag update version volume wait why help" -f -a "import"
complete -c coracle -n "__fish_coracle_using_subcommand help; and not __fish_seen_subcommand_from artifact attach completion container create diff doctor events exec export healthcheck history image images import info init inspect kill load login logout logs manifest pause port ps pull push rename restart rm rmi run runtime save search start stats stop system tag top unpause unshare untag update version volume wait why help" -f -a "info"
complete -c coracle -n "__fish_coracle_using_subcommand help; and not __fish_seen_subcommand_from artifact attach completion container create diff doctor events exec export healthcheck history image images import info init inspect kill load login logout logs manifest pause port ps pull push rename restart rm rmi run runtime save search start stats stop system tag top unpause unshare untag update version volume wait why help" -f -a "init"
complete -c coracle -n "__fish_coracle_using_subcommand help; and not __fish_seen_subcommand_from artifact attach completion container create diff doctor events exec export healthcheck history image images import info init inspect kill load login logout logs manifest pause port ps pull push rename restart rm rmi run runtime save search start stats stop system tag top unpause unshare untag update version volume wait why help" -f -a "inspect"
complete -c coracle -n "__fish_coracle_using_subcommand help; and not __fish_seen_subcommand_from artifact attach completion container create diff doctor events exec export healthcheck history image images import info init inspect kill load login logout logs manifest pause port ps pull push rename restart rm rmi run runtime save search start stats stop system tag top unpause unshare untag update version volume wait why help" -f -a "kill"
complete -c coracle -n "__fish_coracle_using_subcommand help; and not __fish_seen_subcommand_from artifact attach completion container create diff doctor events exec export healthcheck history image images import info init inspect kill load login logout logs manifest pause port ps pull push rename restart rm rmi run runtime save search start stats stop system tag top unpause unshare untag update version volume wait why help" -f -a "load"
complete -c coracle -n "__fish_coracle_using_subcommand help; and not __fish_seen_subcommand_from artifact attach completion container create diff doctor events exec export healthcheck history image images import info init inspect kill load login logout logs manifest pause port ps pull push rename restart rm rmi run runtime save search start stats stop system tag top unpause unshare untag update version volume wait why help" -f -a "login"
complete -c coracle -n "__fish_coracle_using_subcommand help; and not __fish_seen_subcommand_from artifact attach completion container create diff doctor events exec export healthcheck history image images import info init inspect kill load login logout logs manifest pause port ps pull push rename restart rm rmi run runtime save search start stats stop system tag top unpause unshare untag update version volume wait why help" -f -a "logout"
complete -c coracle -n "__fish_coracle_using_subcommand help; and not __fish_seen_subcommand_from artifact attach completion container create diff doctor events exec export healthcheck history image images import info init inspect kill load login logout logs manifest pause port ps pull push rename restart rm rmi run runtime save search start stats stop system tag top unpause unshare untag update version volume wait why help" -f -a "logs"
complete -c coracle -n "__fish_coracle_using_subcommand help; and not __fish_seen_subcommand_from artifact attach completion container create diff doctor events exec export healthcheck history image images import info init inspect kill load login logout logs manifest pause port ps pull push rename restart rm rmi run runtime save search start stats stop system tag top unpause unshare untag update version volume wait why help" -f -a "manifest"
complete -c coracle -n "__fish_coracle_using_subcommand help; and not __fish_seen_subcommand_from artifact attach completion container create diff doctor events exec export healthcheck history image images import info init inspect kill load login logout logs manifest pause port ps pull push rename restart rm rmi run runtime save search start stats stop system tag top unpause unshare untag update version volume wait why help" -f -a "pause"
complete -c coracle -n "__fish_coracle_using_subcommand help; and not __fish_seen_subcommand_from artifact attach completion container create diff doctor events exec export healthcheck history image images import info init inspect kill load login logout logs manifest pause port ps pull push rename restart rm rmi run runtime save search start stats stop system tag top unpause unshare untag update version volume wait why help" -f -a "port"
complete -c coracle -n "__fish_coracle_using_subcommand help; and not __fish_seen_subcommand_from artifact attach completion container create diff doctor events exec export healthcheck history image images import info init inspect kill load login logout logs manifest pause port ps pull push rename restart rm rmi run runtime save search start stats stop system tag top unpause unshare untag update version volume wait why help" -f -a "ps"
complete -c coracle -n "__fish_coracle_using_subcommand help; and not __fish_seen_subcommand_from artifact attach completion container create diff doctor events exec export healthcheck history image images import info init inspect kill load login logout logs manifest pause port ps pull push rename restart rm rmi run runtime save search start stats stop system tag top unpause unshare untag update version volume wait why help" -f -a "pull"
complete -c coracle -n "__fish_coracle_using_subcommand help; and not __fish_seen_subcommand_from artifact attach completion container create diff doctor events exec export healthcheck history image images import info init inspect kill load login logout logs manifest pause port ps pull push rename restart rm rmi run runtime save search start stats stop system tag top unpause unshare untag update version volume wait why help" -f -a "push"
complete -c coracle -n "__fish_coracle_using_subcommand help; and not __fish_seen_subcommand_from artifact attach completion container create diff doctor events exec export healthcheck history image images import info init inspect kill load login logout logs manifest pause port ps pull push rename restart rm rmi run runtime save search start stats stop system tag top unpause unshare untag update version volume wait why help" -f -a "rename"
complete -c coracle -n "__fish_coracle_using_subcommand help; and not __fish_seen_subcommand_from artifact attach completion container create diff doctor events exec export healthcheck history image images import info init inspect kill load login logout logs manifest pause port ps pull push rename restart rm rmi run runtime save search start stats stop system tag top unpause unshare untag update version volume wait why help" -f -a "restart"
complete -c coracle -n "__fish_coracle_using_subcommand help; and not __fish_seen_subcommand_from artifact attach completion container create diff doctor events exec export healthcheck history image images import info init inspect kill load login logout logs manifest pause port ps pull push rename restart rm rmi run runtime save search start stats stop system tag top unpause unshare untag update version volume wait why help" -f -a "rm"
complete -c coracle -n "__fish_coracle_using_subcommand help; and not __fish_seen_subcommand_from artifact attach completion container create diff doctor events exec export healthcheck history image images import info init inspect kill load login logout logs manifest pause port ps pull push rename restart rm rmi run runtime save search start stats stop system tag top unpause unshare untag update version volume wait why help" -f -a "rmi"
complete -c coracle -n "__fish_coracle_using_subcommand help; and not __fish_seen_subcommand_from artifact attach completion container create diff doctor events exec export healthcheck history image images import info init inspect kill load login logout logs manifest pause port ps pull push rename restart rm rmi run runtime save search start stats stop system tag top unpause unshare untag update version volume wait why help" -f -a "run"
complete -c coracle -n "__fish_coracle_using_subcommand help; and not __fish_seen_subcommand_from artifact attach completion container create diff doctor events exec export healthcheck history image images import info init inspect kill load login logout logs manifest pause port ps pull push rename restart rm rmi run runtime save search start stats stop system tag top unpause unshare untag update version volume wait why help" -f -a "runtime"
complete -c coracle -n "__fish_coracle_using_subcommand help; and not __fish_seen_subcommand_from artifact attach completion container create diff doctor events exec export healthcheck history image images import info init inspect kill load login logout logs manifest pause port ps pull push rename restart rm rmi run runtime save search start stats stop system tag top unpause unshare untag update version volume wait why help" -f -a "save"
complete -c coracle -n "__fish_coracle_using_subcommand help; and not __fish_seen_subcommand_from artifact attach completion container create diff doctor events exec export healthcheck history image images import info init inspect kill load login logout logs manifest pause port ps pull push rename restart rm rmi run runtime save search start stats stop system tag top unpause unshare untag update version volume wait why help" -f -a "search"
complete -c coracle -n "__fish_coracle_using_subcommand help; and not __fish_seen_subcommand_from artifact attach completion container create diff doctor events exec export healthcheck history image images import info init inspect kill load login logout logs manifest pause port ps pull push rename restart rm rmi run runtime save search start stats stop system tag top unpause unshare untag update version volume wait why help" -f -a "start"
complete -c coracle -n "__fish_coracle_using_subcommand help; and not __fish_seen_subcommand_from artifact attach completion container create diff doctor events exec export healthcheck history image images import info init inspect kill load login logout logs manifest pause port ps pull push rename restart rm rmi run runtime save search start stats stop system tag top unpause unshare untag update version volume wait why help" -f -a "stats"
complete -c coracle -n "__fish_coracle_using_subcommand help; and not __fish_seen_subcommand_from artifact attach completion container create diff doctor events exec export healthcheck history image images import info init inspect kill load login logout logs manifest pause port ps pull push rename restart rm rmi run runtime save search start stats stop system tag top unpause unshare untag update version volume wait why help" -f -a "stop"
complete -c coracle -n "__fish_coracle_using_subcommand help; and not __fish_seen_subcommand_from artifact attach completion container create diff doctor events exec export healthcheck history image images import info init inspect kill load login logout logs manifest pause port ps pull push rename restart rm rmi run runtime save search start stats stop system tag top unpause unshare untag update version volume wait why help" -f -a "system"
complete -c coracle -n "__fish_coracle_using_subcommand help; and not __fish_seen_subcommand_from artifact attach completion container create diff doctor events exec export healthcheck history image images import info init inspect kill load login logout logs manifest pause port ps pull push rename restart rm rmi run runtime save search start stats stop system tag top unpause unshare untag update version volume wait why help" -f -a "tag"
complete -c coracle -n "__fish_coracle_using_subcommand help; and not __fish_seen_subcommand_from artifact attach completion container create diff doctor events exec export healthcheck history image images import info init inspect kill load login logout logs manifest pause port ps pull push rename restart rm rmi run runtime save search start stats stop system tag top unpause unshare untag update version volume wait why help" -f -a "top"
complete -c coracle -n "__fish_coracle_using_subcommand help; and not __fish_seen_subcommand_from artifact attach completion container create diff doctor events exec export healthcheck history image images import info init inspect kill load login logout logs manifest pause port ps pull push rename restart rm rmi run runtime save search start stats stop system tag top unpause unshare untag update version volume wait why help" -f -a "unpause"
complete -c coracle -n "__fish_coracle_using_subcommand help; and not __fish_seen_subcommand_from artifact attach completion container create diff doctor events exec export healthcheck history image images import info init inspect kill load login logout logs manifest pause port ps pull push rename restart rm rmi run runtime save search start stats stop system tag top unpause unshare untag update version volume wait why help" -f -a "unshare"
complete -c coracle -n "__fish_coracle_using_subcommand help; and not __fish_seen_subcommand_from artifact attach completion container create diff doctor events exec export healthcheck history image images import info init inspect kill load login logout logs manifest pause port ps pull push rename restart rm rmi run runtime save search start stats stop system tag top unpause unshare untag update version volume wait why help" -f -a "untag"
complete -c coracle -n "__fish_coracle_using_subcommand help; and not __fish_seen_subcommand_from artifact attach completion container create diff doctor events exec export healthcheck history image images import info init inspect kill load login logout logs manifest pause port ps pull push rename restart rm rmi run runtime save search start stats stop system tag top unpause unshare untag update version volume wait why help" -f -a "update"
complete -c coracle -n "__fish_coracle_using_subcommand help; and not __fish_seen_subcommand_from artifact attach completion container create diff doctor events exec export healthcheck history image images import info init inspect kill load login logout logs manifest pause port ps pull push rename restart rm rmi run runtime save search start stats stop system tag top unpause unshare untag update version volume wait why help" -f -a "version"
complete -c coracle -n "__fish_coracle_using_subcommand help; and not __fish_seen_subcommand_from artifact attach completion container create diff doctor events exec export healthcheck history image images import info init inspect kill load login logout logs manifest pause port ps pull push rename restart rm rmi run runtime save search start stats stop system tag top unpause unshare untag update version volume wait why help" -f -a "volume"
complete -c coracle -n "__fish_coracle_using_subcommand help; and not __fish_seen_subcommand_from artifact attach completion container create diff doctor events exec export healthcheck history image images import info init inspect kill load login logout logs manifest pause port ps pull push rename restart rm rmi run runtime save search start stats stop system tag top unpause unshare untag update version volume wait why help" -f -a "wait"
complete -c coracle -n "__fish_coracle_using_subcommand help; and not __fish_seen_subcommand_from artifact attach completion container create diff doctor events exec export healthcheck history image images import info init inspect kill load login logout logs manifest pause port ps pull push rename restart rm rmi run runtime save search start stats stop system tag top unpause unshare untag update version volume wait why help" -f -a "why"
complete -c coracle -n "__fish_coracle_using_subcommand help; and not __fish_seen_subcommand_from artifact attach completion container create diff doctor events exec export healthcheck history image images import info init inspect kill load login logout logs manifest pause port ps pull push rename restart rm rmi run runtime save search start stats stop system tag top unpause unshare untag update version volume wait why help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
