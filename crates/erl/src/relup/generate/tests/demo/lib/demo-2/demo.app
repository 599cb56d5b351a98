{application, demo,
 [{vsn, "2"}, {description, ""}, {registered, [demo_sup, demo_counter]}, {applications, [kernel, stdlib]},
  {modules, [demo_app, demo_sup, demo_counter, demo_pure, demo_new]}, {mod, {demo_app, []}}]}.
