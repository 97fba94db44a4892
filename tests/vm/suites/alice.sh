# An ordinary user in a service of her own service manager, with Delegate=yes.
. "$here/suites/limits.sh"
finish
