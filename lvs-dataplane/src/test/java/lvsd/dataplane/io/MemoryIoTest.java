package lvsd.dataplane.io;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import lvsd.dpdk.Mbuf;
import lvsd.memory.Memory;
import org.junit.jupiter.api.Test;

class MemoryIoTest {
    private final long[] burst = new long[PacketIo.BURST];

    @Test
    void shouldReceiveWhatIsInjectedOnThatPortInOrder() {
        try (MemoryIo io = new MemoryIo(2, 16)) {
            io.inject(1, new byte[] {1, 2, 3});
            io.inject(1, new byte[] {4});

            assertThat(io.receive(0, burst)).isZero();
            assertThat(io.receive(1, burst)).isEqualTo(2);
            assertThat(Mbuf.packetLength(burst[0])).isEqualTo(3);
            assertThat(Mbuf.dataLength(burst[1])).isEqualTo(1);
            assertThat(Mbuf.port(burst[0])).isEqualTo(1);
            assertThat(Mbuf.segments(burst[0])).isEqualTo(1);
            assertThat(Mbuf.headroom(burst[0])).isEqualTo(128);
            assertThat(Mbuf.tailroom(burst[0])).isEqualTo(2045);
            assertThat(Memory.getByte(Mbuf.data(burst[0]), 3, 2)).isEqualTo(3);
            assertThat(Memory.getByte(Mbuf.data(burst[0]), 4, 3)).isEqualTo(0xa5);
            assertThat(io.outstanding()).isEqualTo(2);
            io.free(burst, 2);
            assertThat(io.outstanding()).isZero();
        }
    }

    @Test
    void shouldReceiveAtMostOneBurstAtATime() {
        try (MemoryIo io = new MemoryIo(1, 100)) {
            for (int i = 0; i < 100; i++) {
                io.inject(0, new byte[] {(byte) i});
            }
            assertThat(io.receive(0, burst)).isEqualTo(64);
            io.free(burst, 64);
            assertThat(io.receive(0, burst)).isEqualTo(36);
            assertThat(Memory.getByte(Mbuf.data(burst[35]), 1, 0)).isEqualTo(99);
            io.free(burst, 36);
        }
    }

    @Test
    void shouldGiveBackWhatWasSentInOrder() {
        try (MemoryIo io = new MemoryIo(2, 4)) {
            burst[0] = io.allocate();
            burst[1] = io.allocate();
            Mbuf.setLength(burst[0], 1);
            Memory.setByte(Mbuf.data(burst[0]), 1, 0, 7);
            Mbuf.setLength(burst[1], 0);

            assertThat(io.transmit(1, burst, 2)).isEqualTo(2);
            assertThat(io.sentCount(1)).isEqualTo(2);
            assertThat(io.outstanding()).isZero();
            assertThat(io.sent(1)).containsExactly(7);
            assertThat(io.sent(1)).isEmpty();
            assertThat(io.sent(1)).isNull();
            assertThat(io.sent(0)).isNull();
            assertThat(io.available()).isEqualTo(4);
        }
    }

    @Test
    void shouldRefuseWhatIsOverTheLimitAndLeaveItToTheCaller() {
        try (MemoryIo io = new MemoryIo(1, 4)) {
            for (int i = 0; i < 3; i++) {
                burst[i] = io.allocate();
            }
            io.limitTransmit(0, 2);
            assertThat(io.transmit(0, burst, 3)).isEqualTo(2);
            assertThat(io.outstanding()).isEqualTo(1);
            io.free(burst[2]);
            assertThat(io.outstanding()).isZero();
        }
    }

    @Test
    void shouldReturnZeroWhenThePoolIsEmpty() {
        try (MemoryIo io = new MemoryIo(1, 1)) {
            long only = io.allocate();
            assertThat(only).isNotZero();
            assertThat(io.allocate()).isZero();
            assertThatThrownBy(() -> io.inject(0, new byte[1])).isInstanceOf(IllegalStateException.class);
            io.free(only);
            assertThat(io.allocate()).isEqualTo(only);
        }
    }

    @Test
    void shouldFindPacketsFreedTwiceOrSentAfterBeingFreed() {
        try (MemoryIo io = new MemoryIo(1, 2)) {
            burst[0] = io.allocate();
            io.free(burst[0]);
            assertThatThrownBy(() -> io.free(burst[0])).hasMessageContaining("free already");
            assertThatThrownBy(() -> io.transmit(0, burst, 1)).hasMessageContaining("free already");
            assertThatThrownBy(() -> io.free(1234)).hasMessageContaining("not a packet of this pool");
        }
    }

    @Test
    void shouldReuseSentPacketsAtOnceWhenDiscarding() {
        try (MemoryIo io = new MemoryIo(1, 1)) {
            io.discardSent(true);
            for (int i = 0; i < 5; i++) {
                io.inject(0, new byte[60]);
                assertThat(io.transmit(0, burst, io.receive(0, burst))).isEqualTo(1);
            }
            assertThat(io.sentCount(0)).isZero();
            assertThat(io.available()).isEqualTo(1);
        }
    }

    @Test
    void shouldLetASecondWorkerFreeWhatTheFirstReceived() {
        try (MemoryIo first = new MemoryIo(1, 2)) {
            MemoryIo second = first.another();
            first.inject(0, new byte[60]);
            assertThat(second.receive(0, burst)).isZero();
            assertThat(first.receive(0, burst)).isEqualTo(1);
            second.free(burst[0]);
            assertThat(first.outstanding()).isZero();
            second.close();
            assertThat(first.available()).isEqualTo(2);
        }
    }
}
