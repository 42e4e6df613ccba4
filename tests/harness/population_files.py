"""Population files for tests: whole ones, as text that a test changes."""

USERS = """
schema = 1

[activities.ask]
path = "/classify"
body = '{"number": ${random}}'
unit = "image"

[activities.ask.oracle]
pointer = "/label"
regex = "^class-[0-9]+$"

[activities.tell]
method = "GET"
path = "/about"

[timeliness.quick]
limits = [{ within_s = 0.2, share = 0.9 }, { within_s = 1.0, share = 1.0 }]

[timeliness.patient]
limits = [{ within_s = 2.0, share = 1.0 }]

[task_types.classify]
activity = "ask"
timeliness = "quick"

[task_types.about]
activity = "tell"
timeliness = "patient"
wait = false

[chains.browse]
tasks = [{ task = "about", think = "short" }, { task = "classify", think = "short" }]

[chains.buy]
tasks = [{ task = "classify", think = "long" }]

[chains.look]
tasks = [{ task = "about", think = "long" }]

[preparation.short]
distribution = "exponential"
mean_s = 0.05

[preparation.long]
distribution = "lognormal"
mean_s = 0.1
spread_s = 0.05

[user_types.visitor]
users = 4
chains = { browse = 0.6, buy = 0.3, look = 0.1 }

[user_types.regular]
users = 2
chains = { buy = 1.0 }

[phases]
stabilization_s = 0.5
rating_s = 2.0
supplementary_limit_s = 2.0
"""
"""Two user types, three chains, a task that waits and one that does not."""

RATE = """
schema = 1

[activities.ask]
method = "GET"
path = "/"

[task_types.ask]
activity = "ask"

[load]
shape = "constant"
rate_per_s = 100.0
task = "ask"

[phases]
stabilization_s = 0.2
rating_s = 1.0
supplementary_limit_s = 2.0
"""
"""A hundred requests a second."""
