# The superuser in a system service with Delegate=yes.
. "$here/suites/limits.sh"
finish
