{application, extra,
 [{vsn, "1"}, {description, ""}, {registered, [extra]}, {applications, [kernel, stdlib]}, {modules, [extra]}, {mod, {extra, []}}]}.
