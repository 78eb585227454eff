// The serializers of all three formats of @confluentinc/schemaregistry, through a registry and a Kafka broker and back.
//
//   serdes.js URL BOOTSTRAP PREFIX
//
// Writes to the topics PREFIX-avro, PREFIX-json, PREFIX-protobuf, PREFIX-headers and PREFIX-associated, which exist.
'use strict'

const { isDeepStrictEqual } = require('node:util')
const { create, createFileRegistry, createMutableRegistry, equals } = require('@bufbuild/protobuf')
const { FieldDescriptorProto_Label: Label, FieldDescriptorProto_Type: Type, FileDescriptorProtoSchema, TimestampSchema, file_google_protobuf_timestamp: timestampFile } = require('@bufbuild/protobuf/wkt')
const registries = require('@confluentinc/schemaregistry')
const { version } = require('@confluentinc/schemaregistry/package.json')
const { Kafka, logLevel } = require('kafkajs')
const { Report } = require('./report.js')

const COUNT = 50
const DEADLINE_MS = 60_000
const VALUE = registries.SerdeType.VALUE
const KEY = registries.SerdeType.KEY

const MONEY_AVRO = { type: 'record', name: 'Money', namespace: 'shop', fields: [{ name: 'units', type: 'long' }, { name: 'currency', type: { type: 'enum', name: 'Currency', symbols: ['EUR', 'SEK'] } }] }
const ORDER_AVRO = { type: 'record', name: 'Order', namespace: 'shop', fields: [{ name: 'id', type: 'long' }, { name: 'total', type: 'shop.Money' }, { name: 'notes', type: { type: 'array', items: 'string' } }, { name: 'gift', type: ['null', 'string'], default: null }] }
const MONEY_JSON = { $schema: 'http://json-schema.org/draft-07/schema#', $id: 'money.json', title: 'Money', type: 'object', properties: { units: { type: 'integer' }, currency: { enum: ['EUR', 'SEK'] } }, required: ['units'], additionalProperties: false }
const ORDER_JSON = { $schema: 'http://json-schema.org/draft-07/schema#', title: 'Order', type: 'object', properties: { id: { type: 'integer' }, total: { $ref: 'money.json' }, notes: { type: 'array', items: { type: 'string' } }, gift: { type: ['null', 'string'] } }, required: ['id'], additionalProperties: false }

const values = [...Array(COUNT).keys()].map((number) => ({
  id: number * 2 ** 33,
  total: { units: 0 - number, currency: 'SEK' },
  notes: number % 3 ? [`n${number}`, 'ü'] : [],
  gift: number % 2 ? null : 'ribbon'
}))

// The descriptor of shop.Order, whose file imports another one and a well-known type.
function protobufOrder() {
  const field = (name, number, type, more) => ({ name, number, type, label: Label.OPTIONAL, jsonName: name, ...more })
  const money = create(FileDescriptorProtoSchema, { name: 'shop/money.proto', package: 'shop', syntax: 'proto3',
    messageType: [{ name: 'Money', field: [field('units', 1, Type.INT64), field('currency', 2, Type.STRING)] }] })
  const order = create(FileDescriptorProtoSchema, { name: 'shop/order.proto', package: 'shop', syntax: 'proto3',
    dependency: ['shop/money.proto', 'google/protobuf/timestamp.proto'],
    // A first message that is not sent, so that the message index matters.
    messageType: [{ name: 'Unused', field: [field('a', 1, Type.BOOL)] },
      { name: 'Order', field: [field('id', 1, Type.INT64), field('total', 2, Type.MESSAGE, { typeName: '.shop.Money' }),
        field('notes', 3, Type.STRING, { label: Label.REPEATED }), field('at', 4, Type.MESSAGE, { typeName: '.google.protobuf.Timestamp' })] }] })
  const known = { 'shop/money.proto': money, 'google/protobuf/timestamp.proto': timestampFile.proto }
  return createFileRegistry(order, (name) => known[name])
}

async function main(url, bootstrap, prefix) {
  const report = new Report(`@confluentinc/schemaregistry ${version} serializers, kafkajs`)
  const client = registries.SchemaRegistryClient.newClient({ baseURLs: [url], maxRetries: 0 })
  const kafka = new Kafka({ clientId: 'tests', brokers: [bootstrap], logLevel: logLevel.NOTHING })
  const producer = kafka.producer()
  await producer.connect()

  // Writes {key, value, headers} records and reads back as many.
  async function throughKafka(topic, records) {
    await producer.send({ topic, messages: records })
    const consumer = kafka.consumer({ groupId: topic })
    await consumer.connect()
    await consumer.subscribe({ topics: [topic], fromBeginning: true })
    const read = []
    let timer
    await new Promise((resolve, reject) => {
      timer = setTimeout(() => reject(new Error(`${topic}: only ${read.length} records came back`)), DEADLINE_MS)
      const eachMessage = async ({ message }) => {
        read.push(message)
        if (read.length === records.length) resolve()
      }
      consumer.run({ eachMessage }).catch(reject)
    }).finally(() => clearTimeout(timer))
    await consumer.disconnect()
    return read
  }

  async function roundTrip(topic, serializer, deserializer, messages, schemaType, framing, same) {
    const records = []
    for (const [number, message] of messages.entries()) records.push({ key: `${number}`, value: await serializer.serialize(topic, message) })
    const latest = await client.getLatestSchemaMetadata(`${topic}-value`)
    report.equal(`${topic}: registered under its subject`, latest.schemaType ?? 'AVRO', schemaType)
    const start = Buffer.from([0, 0, 0, 0, latest.id, ...framing])
    report.equal(`${topic}: framing`, records.filter(({ value }) => !value.subarray(0, start.length).equals(start)).length, 0)
    const got = new Map()
    for (const { key, value } of await throughKafka(topic, records)) got.set(Number(key), await deserializer.deserialize(topic, value))
    const wrong = messages.filter((message, number) => !got.has(number) || !same(got.get(number), message))
    report.equal(`${topic}: same values`, wrong, [])
    return latest
  }

  // What the decoder gives has prototypes of its own.
  const plain = (left, right) => isDeepStrictEqual(JSON.parse(JSON.stringify(left)), right)

  async function avro() {
    const topic = `${prefix}-avro`
    await client.register('shop.Money', { schema: JSON.stringify(MONEY_AVRO) }, false)
    const references = [{ name: 'shop.Money', subject: 'shop.Money', version: 1 }]
    await client.register(`${topic}-value`, { schema: JSON.stringify(ORDER_AVRO), schemaType: 'AVRO', references }, true)
    const serializer = new registries.AvroSerializer(client, VALUE, { useLatestVersion: true })
    const deserializer = new registries.AvroDeserializer(client, VALUE, {})
    const latest = await roundTrip(topic, serializer, deserializer, values, 'AVRO', [], plain)
    report.equal('reference kept', latest.references, references)
    // The library derives a schema from the value and registers it.
    const derived = new registries.AvroSerializer(client, KEY, { autoRegisterSchemas: true })
    const bytes = await derived.serialize(topic, 'a key')
    report.equal('key', await new registries.AvroDeserializer(client, KEY, {}).deserialize(topic, bytes), 'a key')
    report.equal("key's subject", await client.getAllVersions(`${topic}-key`), [1])
    const unregistered = new registries.AvroSerializer(client, VALUE, { useLatestVersion: true })
    await report.refused('unregistered', 404, 40401, () => unregistered.serialize('nothing', 'a'))
    const broken = { schema: JSON.stringify({ ...ORDER_AVRO, fields: [{ name: 'other', type: 'long' }] }) }
    await report.refused('incompatible', 409, 40901, () => client.register(`${topic}-value`, broken, false))
  }

  async function json() {
    const topic = `${prefix}-json`
    await client.register('money', { schema: JSON.stringify(MONEY_JSON), schemaType: 'JSON' }, false)
    const references = [{ name: 'money.json', subject: 'money', version: 1 }]
    await client.register(`${topic}-value`, { schema: JSON.stringify(ORDER_JSON), schemaType: 'JSON', references }, false)
    const serializer = new registries.JsonSerializer(client, VALUE, { useLatestVersion: true, validate: true })
    const deserializer = new registries.JsonDeserializer(client, VALUE, { validate: true })
    const latest = await roundTrip(topic, serializer, deserializer, values, 'JSON', [0x7b], plain)
    report.equal('reference kept', latest.references, references)
    report.equal('text', JSON.parse(latest.schema), ORDER_JSON)
    const derived = new registries.JsonSerializer(client, KEY, { autoRegisterSchemas: true })
    const bytes = await derived.serialize(topic, { a: 1 })
    report.equal('key', await new registries.JsonDeserializer(client, KEY, {}).deserialize(topic, bytes), { a: 1 })
    const broken = { ...ORDER_JSON, properties: { ...ORDER_JSON.properties, id: { type: 'string' } } }
    await report.refused('incompatible', 409, 40901, () => client.register(`${topic}-value`, { schema: JSON.stringify(broken), schemaType: 'JSON', references }, false))
  }

  async function protobuf() {
    const topic = `${prefix}-protobuf`
    const files = protobufOrder()
    const Order = files.getMessage('shop.Order')
    const messages = values.map(({ id, total, notes }) => create(Order, {
      id: BigInt(id), notes, total: create(files.getMessage('shop.Money'), { units: BigInt(total.units), currency: total.currency }),
      at: create(TimestampSchema, { seconds: 1_700_000_000n, nanos: 5 }) }))
    const serializer = new registries.ProtobufSerializer(client, VALUE, { autoRegisterSchemas: true, registry: createMutableRegistry(files) })
    const deserializer = new registries.ProtobufDeserializer(client, VALUE, {})
    // The second message of its file: one index (zigzag 1), which is 1.
    const latest = await roundTrip(topic, serializer, deserializer, messages, 'PROTOBUF', [2, 2], (left, right) => equals(Order, left, right))
    report.equal('references', latest.references?.map(({ name }) => name), ['shop/money.proto'])
    report.equal('text', /message Order/.test(latest.schema) && /import "shop\/money.proto"/.test(latest.schema), true)
    report.equal('the imported file', (await client.getLatestSchemaMetadata('shop/money.proto')).version, 1)
  }

  // The schema's guid travels in a header, the value is bare.
  async function headers() {
    const topic = `${prefix}-headers`
    const schema = { schema: JSON.stringify({ type: 'record', name: 'Small', fields: [{ name: 'id', type: 'long' }] }) }
    const { guid } = await client.registerFullResponse(`${topic}-value`, schema, false)
    const serializer = new registries.AvroSerializer(client, VALUE, { useLatestVersion: true, schemaIdSerializer: registries.HeaderSchemaIdSerializer })
    const records = []
    for (let id = 0; id < 5; id++) {
      const carried = {}
      records.push({ key: `${id}`, value: await serializer.serialize(topic, { id }, carried), headers: carried })
    }
    report.equal('header', records[0].headers.__value_schema_id.toString('hex'), `01${guid.replaceAll('-', '')}`)
    client.clearCaches()
    const deserializer = new registries.AvroDeserializer(client, VALUE, {})
    const got = []
    for (const message of await throughKafka(topic, records)) got.push((await deserializer.deserialize(topic, message.value, message.headers)).id)
    report.equal('same values', got.sort(), [0, 1, 2, 3, 4])
  }

  // A topic that is associated with a subject of another name writes under that.
  async function associated() {
    const topic = `${prefix}-associated`
    const id = await client.register('somewhere-else', { schema: '"long"' }, false)
    await client.createAssociation({ resourceName: topic, resourceNamespace: 'lkc-1', resourceId: 't1', resourceType: 'topic', associations: [{ subject: 'somewhere-else', associationType: 'value', lifecycle: 'WEAK' }] })
    const serializer = new registries.AvroSerializer(client, VALUE, { useLatestVersion: true })
    const value = await serializer.serialize(topic, 77)
    report.equal('its id', value.readInt32BE(1), id)
    const deserializer = new registries.AvroDeserializer(client, VALUE, {})
    const [message] = await throughKafka(topic, [{ key: 'k', value }])
    report.equal('value', await deserializer.deserialize(topic, message.value), 77)
  }

  for (const part of [avro, json, protobuf, headers, associated]) await report.step(part)
  await producer.disconnect()
  report.print()
}

main(...process.argv.slice(2)).then(() => process.exit(0), (error) => {
  console.error(error)
  process.exit(1)
})
