"""Programs for those who work on this project, run from a checkout: `python -m tools.NAME --help`.

    bench            measure speed, delay, bytes, processor time and memory
    bench.learning   train several times, evaluate, and write the table and the curves of learning
    atari_peers      train other learners beside ours on Atari's Pong
    fuzz             send the programs random and mutated bytes
    ray_simulation   model how fast many workers on Ray learn together
    soak             train for hours while processes die and the network fails
    crashes          kill a process while it saves checkpoints
    make_films       make the films of the documentation
    make_images      make the pictures of the windows
    make_screenshots make the pictures of the pages in a browser
    arena            fill an arena with good and bad agents, and check what it keeps
    arm              try the project on a 64-bit ARM Debian, emulated
    matrix           run the tests with other Pythons and other versions

The other modules are parts of these: processes, hostile, targets, relay, vitals, courts, arena_agents,
debian, instructions.
"""
