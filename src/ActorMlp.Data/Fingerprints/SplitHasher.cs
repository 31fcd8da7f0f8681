using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using ActorMlp.Engine.Batches;

namespace ActorMlp.Data.Fingerprints;

/// <summary>Hashes the rows of a split, one after the other.</summary>
internal sealed class SplitHasher : IDisposable
{
    private readonly IncrementalHash hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
    private readonly byte[] buffer = new byte[1 << 16];
    private int used;
    private int rows;

    /// <summary>Hashes all rows of a data set.</summary>
    public static SplitFingerprint Hash(IExampleSource source)
    {
        using var hasher = new SplitHasher();
        var inputs = new float[source.Inputs];
        Span<float> target = stackalloc float[1];
        for (int row = 0; row < source.Rows; row++)
        {
            source.CopyInputs(row, inputs);
            int outcome;
            if (source.Targets > 0)
            {
                source.CopyTargets(row, target);
                outcome = BitConverter.SingleToInt32Bits(target[0]);
            }
            else
            {
                outcome = source.Label(row);
            }

            hasher.Add(inputs, outcome);
        }

        return hasher.Finish();
    }

    /// <summary>Takes the next row.</summary>
    /// <param name="inputs">Its inputs, scaled.</param>
    /// <param name="outcome">Its label, or the bits of its target.</param>
    public void Add(ReadOnlySpan<float> inputs, int outcome)
    {
        rows++;
        Append(MemoryMarshal.AsBytes(inputs));
        Span<byte> word = stackalloc byte[sizeof(int)];
        BinaryPrimitives.WriteInt32LittleEndian(word, outcome);
        Append(word);
    }

    /// <summary>The hash over all rows.</summary>
    public SplitFingerprint Finish()
    {
        hash.AppendData(buffer.AsSpan(0, used));
        used = 0;
        return new SplitFingerprint(rows, Convert.ToHexStringLower(hash.GetHashAndReset()));
    }

    /// <inheritdoc/>
    public void Dispose() => hash.Dispose();

    /// <summary>Gathers short rows: a call of the hash costs as much as some hundred bytes of it.</summary>
    private void Append(ReadOnlySpan<byte> bytes)
    {
        if (bytes.Length > buffer.Length - used)
        {
            hash.AppendData(buffer.AsSpan(0, used));
            used = 0;
        }

        if (bytes.Length > buffer.Length)
        {
            hash.AppendData(bytes);
        }
        else
        {
            bytes.CopyTo(buffer.AsSpan(used));
            used += bytes.Length;
        }
    }
}
