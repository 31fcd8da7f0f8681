using System.Buffers.Binary;
using System.Diagnostics;
using System.Globalization;
using System.IO.Hashing;
using System.Numerics;

namespace ActorMlp.Benchmarks.Bulk;

/// <summary>Why bulk frames carry XxHash3: GB/s of checksums over memory that is in no cache, and over memory that is.</summary>
internal static class BulkChecksums
{
    private const int Total = 256 << 20;
    private static ulong sink;

    public static void Run()
    {
        byte[] memory = new byte[Total];
        for (int i = 0; i < Total; i += 61)
        {
            memory[i] = (byte)i;
        }

        Measure("XxHash3, 64 bits", memory, bytes => XxHash3.HashToUInt64(bytes));
        Measure("XxHash128", memory, bytes => (ulong)XxHash128.HashToUInt128(bytes));
        Measure("CRC32 (carry-less multiplication)", memory, bytes => Crc32.HashToUInt32(bytes));
        Measure("CRC32C (one chain of instructions)", memory, Crc32C);
        GC.KeepAlive(sink);
    }

    private static void Measure(string name, byte[] memory, Func<ReadOnlySpan<byte>, ulong> hash)
    {
        double cold = Speed(memory, Total, hash);
        double warm = Speed(memory, 256 << 10, hash);
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{name,-36} {cold,5:0.0} GB/s from memory, {warm,5:0.0} GB/s from a cache (256 kB)"));
    }

    private static double Speed(byte[] memory, int length, Func<ReadOnlySpan<byte>, ulong> hash)
    {
        const int Piece = 256 << 10;
        double best = 0;
        for (int round = 0; round < 7; round++)
        {
            long began = Stopwatch.GetTimestamp();
            for (int done = 0; done < Total; done += Piece)
            {
                sink ^= hash(memory.AsSpan(done % length, Piece));
            }

            best = Math.Max(best, Total / 1e9 / Stopwatch.GetElapsedTime(began).TotalSeconds);
        }

        return best;
    }

    private static ulong Crc32C(ReadOnlySpan<byte> bytes)
    {
        uint crc = ~0u;
        for (; bytes.Length >= sizeof(ulong); bytes = bytes[sizeof(ulong)..])
        {
            crc = BitOperations.Crc32C(crc, BinaryPrimitives.ReadUInt64LittleEndian(bytes));
        }

        return ~crc;
    }
}
