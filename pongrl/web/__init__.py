"""Pages for browsers: of the game and of the arena (python pong.py --web), of the agent (mainmodel.py --web).

A page is served by a process of its own, so that whatever browsers do holds up neither game nor learning:

      the program                                         the page's process
    game_page, agent_page   what there is to see ───►   game_site, agent_site
    and arena_page                                      and arena_site
                            ◄─── what people ask for        │
                                                           gate      who may see and do what
                                                           door      connections, and how many of them
                                                           crowd     sends each viewer what there is to see
                                                           static/   the pages themselves

The program's end   page (any), played_page (one on which people play), arena_opening; links and site say
                    what is served to whom
The page's end      serving (the process), hosting (the answers), paddles and entrants (who plays),
                    run_files (the curve, and files to take)
The network         nearby (servers that are found); announcer and neighbours, its process, announce ours
"""
