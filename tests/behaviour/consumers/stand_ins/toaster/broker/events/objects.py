from predecessor import Button, Message, Peer, Reaction, Reply, User
