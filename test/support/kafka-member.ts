/** A process that is a member of a Kafka group and nothing else, to be stopped: URL, log, role, partitions. */
import { joinKafkaGroup } from '../../src/adapters/kafka/partition-ownership.ts';

const [url = '', logId = '', role = '', partitions = ''] = process.argv.slice(2);
const member = await joinKafkaGroup({ url, logId, role, partitions: Number(partitions) });
member.subscribe(() => console.log(member.owned.size));
