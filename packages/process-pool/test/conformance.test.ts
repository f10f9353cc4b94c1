import { describeExecutor } from '../../pool-core/test/conformance/describe-executor.js'
import * as fixture from './fixtures/kit.mjs'

describeExecutor(fixture, new URL('./fixtures/kit.mjs', import.meta.url).href)
