import { entitySchema } from '../../config/entity-schema';
import { formats, type JsonShape } from '../../config/formats';
import { serviceSchema } from '../../config/schema';
import { isSetting, type Section, type Setting } from '../../config/setting';
import { allStreams, projectionNames } from '../../src/sources/streams/all-streams';

const streams = allStreams.map(({ name }) => name);

/** Names that only the program knows, by the format of the lists that hold them. */
const names: Readonly<Record<string, readonly string[]>> = {
  'infakt-kafka.streams': streams,
  'infakt-kafka.projections': projectionNames,
};

/** The JSON Schema of the service file. */
export function renderServiceSchema(): string {
  return render('The service file of infakt-kafka', serviceSchema);
}

/** The JSON Schema of a legal entity's file. */
export function renderEntitySchema(): string {
  return render("A legal entity's file of infakt-kafka", entitySchema('<id>'));
}

function render(title: string, section: Section): string {
  const $schema = 'http://json-schema.org/draft-07/schema#';
  const $comment = 'Generated from config/ by `npm run docs`; do not edit.';
  const { properties, ...rest } = shapeOf(section);
  const accepted = { $schema: { type: 'string', description: 'Where this schema is, for editors.' }, ...properties };
  return `${JSON.stringify({ $schema, $comment, title, ...rest, properties: accepted }, null, 2)}\n`;
}

function shapeOf(section: Section): { readonly properties: Readonly<Record<string, JsonShape>> } & JsonShape {
  const properties = Object.fromEntries(
    Object.entries(section).map(([name, node]) => [name, isSetting(node) ? shapeOfSetting(node) : shapeOf(node)]),
  );
  return { type: 'object', additionalProperties: false, properties };
}

function shapeOfSetting(setting: Setting<unknown>): JsonShape {
  const { doc, format, nullable, sensitive, default: usual } = setting;
  const known = names[format];
  const json = formats[format].json;
  const shape = known === undefined ? json : { ...json, items: { enum: known } };
  return {
    description: `${doc}${setting.otherwise === undefined ? '' : ` Not given: ${setting.otherwise}.`}`,
    ...(nullable === true ? { anyOf: [shape, { type: 'null' }] } : shape),
    ...(usual === null ? {} : { default: usual }),
    ...(sensitive === true ? { writeOnly: true } : {}),
  };
}
