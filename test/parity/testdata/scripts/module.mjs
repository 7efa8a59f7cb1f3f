import { randomUUID } from 'node:crypto';

export const answer = 42;
export async function set(context) {
  context.vars.id = answer - 35;
  context.vars.uuid = randomUUID();
}
