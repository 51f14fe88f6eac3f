// What the frames of one message brought, ordered so that the strongest decides about the message.
export type Brought = 'nothing' | 'news' | 'repeat' | 'beyondLimit' | 'refused'
