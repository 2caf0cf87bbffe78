"""The operator's verbs: each is a module with `arguments(parser)` and `run(stage, options)`, listed in __main__.py."""
