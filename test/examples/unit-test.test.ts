// Runs the tests of the example as they stand there.
import '../../examples/unit-test/workflow.test.ts'
