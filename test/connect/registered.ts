import { createEncoder, loadSchema, type Encoder } from '../../src/sinks/avro';

/** The text of a schema of ours with a further nullable field. */
export function withField(name: string, field: string): string {
  const schema = JSON.parse(loadSchema(name)) as { readonly fields: readonly object[] };
  const added = { name: field, type: ['null', 'string'], default: null, doc: 'A field of a later version.' };
  return JSON.stringify({ ...schema, fields: [...schema.fields, added] });
}

/** Registers a schema and encodes by it, in Confluent's wire format. */
export async function registeredEncoder(registryUrl: string, subject: string, schema: string): Promise<Encoder> {
  const response = await fetch(`${registryUrl}/subjects/${subject}/versions?normalize=true`, {
    method: 'POST',
    headers: { 'content-type': 'application/vnd.schemaregistry.v1+json' },
    body: JSON.stringify({ schema }),
  });
  const answer = (await response.json()) as { readonly id?: number };
  if (answer.id === undefined) throw new Error(`registering ${subject}: expected an id, got ${JSON.stringify(answer)}`);
  const prefix = Buffer.alloc(5);
  prefix.writeInt32BE(answer.id, 1);
  return createEncoder(schema, { prefix });
}
