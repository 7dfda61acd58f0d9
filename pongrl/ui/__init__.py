"""What people look at, listen to and type into. Each part is loaded when it is opened: a window, a film.

for all         theme, text, court, cover, screen (windows), icon, quiet
game            game_window: game_layout, game_panels, notices, sound; start_screen; spectator
                how people play: controls, made of keyboard, pointer and gamepads
agent           agent_window, a kind of agent_view: agent_tape, agent_study, agent_look; in a process of its
                own (window_process) agent_display: agent_layout, brush, agent_panels, agent_units
                console; plots, miss_plot; tensorboard
films           film, film_writers; agent_film
environments    court_window

A game's view takes `pongrl.game.people.Snapshot`s and gives `Keys`. An agent's view is an
`pongrl.agent.observers.Observer`. No view reaches into what it shows.
"""
