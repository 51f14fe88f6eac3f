// Whom a command talks with: a contact or a group, by the word it was given.
import type { Contact, Node } from '../node/api.ts'
import type { Group } from '../node/api-groups.ts'

export type Correspondent =
  | {
      readonly kind: 'contact'
      readonly chat: string
      readonly name: string
      readonly contact: Contact
    }
  | { readonly kind: 'group'; readonly chat: string; readonly name: string; readonly group: Group }

/** Finds who or which group is meant. Rejects with UNKNOWN_CONTACT, UNKNOWN_GROUP, AMBIGUOUS_*. */
export async function correspondent(node: Node, word: string): Promise<Correspondent> {
  if (word.startsWith('#')) {
    const group = await node.groups.get(word)
    return {
      kind: 'group',
      chat: `#${group.id === '' ? group.name : group.id}`,
      name: `#${group.name}`,
      group,
    }
  }
  const contact = await node.contacts.get(word)
  return { kind: 'contact', chat: contact.address, name: contact.name, contact }
}
