// Every public method of @confluentinc/schemaregistry's client against one registry.
//
//   methods.js URL
'use strict'

const { SchemaRegistryClient, MockClient } = require('@confluentinc/schemaregistry')
const { version } = require('@confluentinc/schemaregistry/package.json')
const { Report, record } = require('./report.js')

const ID = { name: 'id', type: 'long' }
const NOTE = { name: 'note', type: 'string', default: '' }
const order = (...fields) => ({ schema: JSON.stringify({ type: 'record', name: 'Order', namespace: 'shop', fields }) })
const ORDER_1 = order(ID)
const ORDER_2 = order(ID, NOTE)
const ORDER_BROKEN = order({ name: 'id', type: 'string' })
const text = (schema) => JSON.parse(schema.schema)

async function scenario(client, report) {
  let guid

  async function registration() {
    report.equal('no subjects', await client.getAllSubjects(), [])
    report.equal('level', await client.getDefaultCompatibility(), 'BACKWARD')
    report.equal('first id', await client.register('orders-value', ORDER_1, false), 1)
    const again = await client.registerFullResponse('orders-value', ORDER_1, true)
    report.equal('registered again', [again.id, again.version], [1, 1])
    report.equal('with its text', text(again), text(ORDER_1))
    guid = again.guid
    report.equal('a guid', guid.length, 36)
    report.equal('second id', await client.register('orders-value', ORDER_2, true), 2)
    await report.refused('incompatible', 409, 40901, () => client.register('orders-value', ORDER_BROKEN, false))
    await report.refused('no schema', 422, 42201, () => client.register('orders-value', { schema: '{"type":"nope"}' }, false))
    const strange = 'a/b c%3A:ü?#+'
    report.equal('a strange subject', await client.register(strange, ORDER_1, false), 1)
    report.equal('listed as it is', await client.getAllSubjects(), [strange, 'orders-value'])
    report.equal('deleted', await client.deleteSubject(strange, false), [1])
    report.equal('for good', await client.deleteSubject(strange, true), [1])
  }

  async function reads() {
    report.equal('by id', text(await client.getBySubjectAndId('orders-value', 1)), text(ORDER_1))
    report.equal('resolved', text(await client.getBySubjectAndId('orders-value', 2, 'resolved')), text(ORDER_2))
    await report.refused('unknown id', 404, 40403, () => client.getBySubjectAndId('orders-value', 4711))
    report.equal('by guid', text(await client.getByGuid(guid)), text(ORDER_1))
    await report.refused('unknown guid', 404, 40403, () => client.getByGuid('00000000-0000-0000-0000-000000000000'))
    report.equal('id', await client.getId('orders-value', ORDER_2, false), 2)
    const found = await client.getIdFullResponse('orders-value', ORDER_1, true)
    report.equal('look-up', [found.id, found.version, found.subject, found.guid], [1, 1, 'orders-value', guid])
    await report.refused('not there', 404, 40403, () => client.getId('orders-value', { schema: '"string"' }, false))
    await report.refused('no such subject', 404, 40401, () => client.getId('nothing', ORDER_1, false))
    const latest = await client.getLatestSchemaMetadata('orders-value')
    report.equal('latest', [latest.id, latest.version, latest.subject], [2, 2, 'orders-value'])
    report.equal('latest text', text(await client.getLatestSchemaMetadata('orders-value', 'resolved')), text(ORDER_2))
    report.equal('a version', (await client.getSchemaMetadata('orders-value', 1, false)).guid, guid)
    await report.refused('no such version', 404, 40402, () => client.getSchemaMetadata('orders-value', 9, true))
    report.equal('versions', await client.getAllVersions('orders-value'), [1, 2])
    report.equal('version', await client.getVersion('orders-value', ORDER_2, true, false), 2)
    const line = { schema: JSON.stringify({ type: 'record', name: 'Line', fields: [{ name: 'order', type: 'shop.Order' }] }) }
    const references = [{ name: 'shop.Order', subject: 'orders-value', version: 1 }]
    report.equal('with a reference', await client.register('lines', { ...line, references }, false), 3)
    report.equal('kept', (await client.getLatestSchemaMetadata('lines')).references, references)
    await report.refused('referenced', 422, 42206, () => client.deleteSubjectVersion('orders-value', 1, false))
    report.equal('deleted', await client.deleteSubject('lines', false), [1])
    report.equal('for good', await client.deleteSubject('lines', true), [1])
  }

  async function metadataAndRules() {
    const rule = { name: 'mask', doc: 'hide', kind: 'TRANSFORM', mode: 'WRITEREAD', type: 'CEL_FIELD', tags: ['PII'], params: { a: 'b' }, expr: 'true', onSuccess: 'NONE', onFailure: 'ERROR', disabled: false }
    const metadata = { tags: { '**.note': ['PII'] }, properties: { team: 'red', a: 'b' }, sensitive: ['a'] }
    await client.register('rules', { ...ORDER_1, metadata, ruleSet: { domainRules: [rule] } }, false)
    const got = await client.getLatestSchemaMetadata('rules')
    report.equal('metadata', got.metadata, metadata)
    report.equal('rules', got.ruleSet?.domainRules, [rule])
    await client.register('rules', { ...ORDER_2, metadata: { properties: { team: 'blue' } } }, false)
    report.equal('by metadata', (await client.getLatestWithMetadata('rules', { team: 'red', a: 'b' }, false)).version, 1)
    report.equal('newest', (await client.getLatestWithMetadata('rules', { team: 'blue' }, true)).version, 2)
    await report.refused('no such', 404, 40403, () => client.getLatestWithMetadata('rules', { team: 'x' }, false))
  }

  async function compatibility() {
    report.equal('compatible', await client.testSubjectCompatibility('orders-value', ORDER_2), true)
    report.equal('incompatible', await client.testSubjectCompatibility('orders-value', ORDER_BROKEN), false)
    report.equal('with a version', await client.testCompatibility('orders-value', 1, ORDER_2), true)
    report.equal('not with it', await client.testCompatibility('orders-value', 1, ORDER_BROKEN), false)
    await report.refused('no such version', 404, 40402, () => client.testCompatibility('orders-value', 9, ORDER_2))
    report.equal('set', await client.updateDefaultCompatibility('FULL'), 'FULL')
    report.equal('is set', await client.getDefaultCompatibility(), 'FULL')
    await report.refused('unset', 404, 40408, () => client.getCompatibility('orders-value'))
    report.equal('own', await client.updateCompatibility('orders-value', 'NONE'), 'NONE')
    report.equal('own is set', await client.getCompatibility('orders-value'), 'NONE')
    await report.refused('bad level', 422, 42203, () => client.updateCompatibility('orders-value', 'SOME'))
    const wanted = { compatibility: 'FORWARD', normalize: true, compatibilityGroup: 'major', defaultMetadata: { properties: { owner: 'shop' } } }
    report.equal('echo', await client.updateConfig('config', wanted), wanted)
    const { compatibility: compatibilityLevel, ...rest } = wanted
    report.equal('config', await client.getConfig('config'), { compatibilityLevel, ...rest })
    report.equal('taken over', (await client.registerFullResponse('config', ORDER_1, false)).metadata, wanted.defaultMetadata)
    await client.updateConfig('an-alias', { alias: 'orders-value' })
    report.equal('by an alias', await client.getAllVersions('an-alias'), [1, 2])
    report.equal('global echo', await client.updateDefaultConfig({ compatibility: 'BACKWARD' }), { compatibility: 'BACKWARD' })
    report.equal('global', await client.getDefaultConfig(), { compatibilityLevel: 'BACKWARD' })
  }

  async function associations() {
    const request = (name, association) => ({ resourceName: name, resourceNamespace: 'lkc-1', resourceId: `id-${name}`, resourceType: 'topic', associations: [{ associationType: 'value', ...association }] })
    const get = (name, namespace, type, lifecycle) => client.getAssociationsByResourceName(name, namespace, 'topic', [type], lifecycle, 0, -1)
    report.equal('none', await get('parcels', '-', 'value', null), [])
    const made = await client.createAssociation(request('parcels', { subject: 'orders-value', lifecycle: 'WEAK' }))
    report.equal('made', [made.resourceName, made.resourceNamespace, made.resourceId, made.resourceType], ['parcels', 'lkc-1', 'id-parcels', 'topic'])
    report.equal('made of', made.associations, [{ subject: 'orders-value', associationType: 'value', lifecycle: 'WEAK' }])
    const [found, ...others] = await get('parcels', '-', 'value', null)
    report.equal('found', [found.subject, found.resourceName, found.resourceNamespace, found.resourceId, found.associationType, found.lifecycle, others], ['orders-value', 'parcels', 'lkc-1', 'id-parcels', 'value', 'WEAK', []])
    report.equal('by lifecycle', (await get('parcels', 'lkc-1', 'value', 'WEAK')).length, 1)
    report.equal('by another', await get('parcels', 'lkc-1', 'value', 'STRONG'), [])
    report.equal('not for keys', await get('parcels', '-', 'key', null), [])
    await report.refused('associated', 409, 40904, () => client.deleteSubject('orders-value', false))
    const strong = await client.createAssociation(request('crates', { lifecycle: 'STRONG', schema: ORDER_1 }))
    report.equal('default subject', strong.associations.map((a) => a.subject), [':.lkc-1:crates-value'])
    await report.refused('frozen', 409, 40908, () => client.deleteAssociations('id-crates', 'topic', ['value'], false))
    await client.deleteAssociations('id-crates', 'topic', ['value'], true)
    await client.deleteAssociations('id-parcels', null, null, false)
    report.equal('gone', await get('parcels', '-', 'value', null), [])
  }

  async function deletion() {
    report.equal('softly', await client.deleteSubjectVersion('orders-value', 1, false), 1)
    report.equal('versions', await client.getAllVersions('orders-value'), [2])
    await report.refused('hidden', 404, 40402, () => client.getSchemaMetadata('orders-value', 1, false))
    report.equal('unless asked for', (await client.getSchemaMetadata('orders-value', 1, true)).id, 1)
    report.equal('version of deleted', await client.getVersion('orders-value', ORDER_1, false, true), 1)
    await report.refused('once only', 404, 40406, () => client.deleteSubjectVersion('orders-value', 1, false))
    report.equal('for good', await client.deleteSubjectVersion('orders-value', 1, true), 1)
    report.equal('the subject', await client.deleteSubject('orders-value', false), [2])
    report.equal('not listed', (await client.getAllSubjects()).includes('orders-value'), false)
    report.equal('the subject for good', await client.deleteSubject('orders-value', true), [2])
    await report.refused('no more', 404, 40401, () => client.getAllVersions('orders-value'))
  }

  // The cache: what it is told it knows without asking.
  async function remembered() {
    const made = { id: 70, version: 7, schema: ORDER_1.schema, guid: 'g' }
    client.clearCaches()
    await client.addToInfoToSchemaCache('s', ORDER_1, made)
    await client.addToSchemaToVersionCache('s', ORDER_1, 7)
    await client.addToVersionToSchemaCache('s', 7, made)
    await client.addToIdToSchemaInfoCache('s', 70, ORDER_1)
    await client.addToGuidToSchemaInfoCache('g', ORDER_1)
    for (const name of ['InfoToSchema', 'SchemaToVersion', 'VersionToSchema', 'IdToSchemaInfo', 'GuidToSchemaInfo']) {
      report.equal(name, await client[`get${name}CacheSize`](), 1)
    }
    client.clearLatestCaches()
    report.equal('own settings', client.config().baseURLs.length, 1)
    await client.close()
  }

  for (const part of [registration, reads, metadataAndRules, compatibility, associations, deletion, remembered]) {
    await report.step(part)
  }
}

async function main(url) {
  const report = new Report(`@confluentinc/schemaregistry ${version}`)
  const client = SchemaRegistryClient.newClient({ baseURLs: [url], maxRetries: 0 })
  if (client instanceof MockClient) throw new Error('this is not the real client')
  await scenario(record(client, report), report)
  report.print()
}

main(...process.argv.slice(2))
