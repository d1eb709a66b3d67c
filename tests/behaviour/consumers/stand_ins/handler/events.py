from predecessor import Button, Event, Message, Peer, Reaction, Reply, User
