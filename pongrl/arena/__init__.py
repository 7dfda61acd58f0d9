"""An arena: agents and people meet in matches, and a ladder says how strong each is.

standings    what people see: the ladder, the matches that are played, the last ones
rating       how strong a player is, by its matches
ledger       the file that keeps players, matches and ratings
ladder       the ladder as a table for a terminal
players      who can play: agents across the network, house players, people on the page
house        the players that are always there
doorkeeper   lets agents in, by their names
pairing      who plays whom next
table        one match
hall         the thread that plays all matches
run          puts these together
"""
