"""The three-tier database guard: resolver, stamps, gate, router, commands, audit."""
