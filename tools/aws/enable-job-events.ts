/**
 * Has AWS IoT publish an event when a job's execution has ended on a thing. That is a setting of the account and region which
 * CloudFormation has no resource for: https://docs.aws.amazon.com/iot/latest/developerguide/iot-events.html
 */
import {
	DescribeEventConfigurationsCommand,
	type IoTClient,
	UpdateEventConfigurationsCommand,
} from "@aws-sdk/client-iot";

/** @returns whether it had to be changed; other kinds of events stay as they are */
export async function enableJobEvents(
	client: Pick<IoTClient, "send">,
): Promise<boolean> {
	const { eventConfigurations = {} } = await client.send(
		new DescribeEventConfigurationsCommand({}),
	);
	if (eventConfigurations.JOB_EXECUTION?.Enabled === true) return false;
	await client.send(
		new UpdateEventConfigurationsCommand({
			eventConfigurations: {
				...eventConfigurations,
				JOB_EXECUTION: { Enabled: true },
			},
		}),
	);
	return true;
}
