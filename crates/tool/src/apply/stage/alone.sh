# After stage.sh, whose arguments these are.
put_release "$@"
