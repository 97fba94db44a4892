/* lines N: writes N lines of 100 bytes to standard output, many at a time. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define LINE 100
#define TOGETHER 400

int main(int count, char **words)
{
	static char block[LINE * TOGETHER];
	long left = count > 1 ? atol(words[1]) : 1;

	memset(block, 'x', sizeof block);
	for (int line = 1; line <= TOGETHER; line++)
		block[line * LINE - 1] = '\n';
	while (left > 0) {
		size_t length = (left < TOGETHER ? left : TOGETHER) * LINE;
		for (size_t done = 0; done < length;) {
			ssize_t more = write(1, block + done, length - done);
			if (more < 0)
				return 1;
			done += more;
		}
		left -= TOGETHER;
	}
	return 0;
}
