"""An arena: agents and people meet in matches, and a ladder says how strong each is.

standings    what people see: the ladder, the matches that are played, the last ones
rating       how strong a player is, by its matches; ranking makes the ladder of it
ledger       the file that keeps players, matches and ratings (store, schema, lock); export writes it as CSV
scribe       the thread that writes matches into it
ladder       the ladder as a table for a terminal
contenders   who can play: agents across the network, house players (house), people on the page (persons)
doorkeeper   lets agents in, by their names
pairing      who plays whom next; draw makes matches of it, also those of a season's final
table        one match, and its recording
hall         the thread that plays all matches
herald       tells people what goes on; visitors brings what people on the page ask for
run          puts these together; program takes the user's options
"""
