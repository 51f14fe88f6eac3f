// Why an operation is not valid (SPEC.md §19.2). For ever: nothing that comes later changes it.

export type GroupFault =
  | 'lamport' // V3: a parent's timestamp is not what it says
  | 'parents' // V4: a parent is an ancestor of another
  | 'seq' // V5: not 1 + the highest of its device in its past
  | 'author' // V6: its author is no member there, or the device not in the author's list
  | 'rank' // V6: its author's rank does not suffice
  | 'target' // V7, V8, V9: whom or what it is about is not as it has to be
  | 'authority' // V8: its author does not outrank whom it removes or lowers
  | 'epoch' // V7: the epoch it extends is not in its past, makes none, or is not the author's
  | 'list' // V9: not newer than the one held
  | 'recipients' // V10: the hash of the recipients is another
  | 'limit' // V12: members, recipients or operations beyond the bound
  | 'parent-invalid' // it cites an operation that is not valid
