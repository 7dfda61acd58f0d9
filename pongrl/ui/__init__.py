"""What people look at, listen to and type into; a headless run loads none of it.

for all         theme, text, court, cover, screen (windows), quiet
game            game_window: game_layout, game_panels, keyboard, notices, sound; start_screen; spectator
agent           agent_window: agent_tape, agent_study, agent_look; in a process of its own (window_process)
                agent_display: agent_layout, brush, agent_panels, agent_units; console; plots; tensorboard
films           film, film_writers; agent_film
environments    court_window

A game's view takes `pongrl.game.people.Snapshot`s and gives `Keys`. An agent's view is an
`pongrl.agent.observers.Observer`. No view reaches into what it shows.
"""
