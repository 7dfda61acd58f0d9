"""The server: it plays the games and serves an agent at each side. It knows the wire and the game, no agent.

options        what is played (`GameOptions`), and the rules that the user's options must keep
run            a game from start to end: puts together all below, and owns their threads
engine         the thread that plays: real time or lockstep, whose turn it is
clock          when the next tick of real time is due
playing        what a server plays, as its parts see it: the interface of the next line and of other games
match          the games of Pong: boards, their cameras, and the hands at their paddles
hand           one paddle: the move in force, and what its agent is told next
seats          which agent has which side; lobby is what this has in common with an arena
guests         people who play from elsewhere, on the page
umpire         when a ball is served
conversation   what one agent is sent and says
snapshots      what people see, in the window and elsewhere
status         the words that they read
gallery        the thread that sends these to watchers
entrance       where agents come in, and the token that they must have
listener       the thread that shakes hands with strangers
benchmark      how many decisions per second this machine can serve
"""
