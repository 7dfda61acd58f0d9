"""Pong itself. Nothing here knows a socket, a clock or a window.

moves      what an agent or a person can do with a paddle
rules      the court, the ball, the score: `Game`
players    the built-in AI: functions that move a paddle
camera     the picture that an agent is sent: `Camera`
places     finds paddles and ball in such a picture again
people     what people see (`Snapshot`) and what they press (`Keys`)
drawing    imports pygame and OpenCV when something is drawn, not before
"""
