{application, demo,
 [{vsn, "1"}, {description, ""}, {registered, [demo_sup, demo_counter]}, {applications, [kernel, stdlib]},
  {modules, [demo_app, demo_sup, demo_counter, demo_pure, demo_gone]}, {mod, {demo_app, []}}]}.
