namespace ActorMlp.Training.Ledgers;

/// <summary>The lines of a ledger as they lie in the file.</summary>
internal static class LedgerFile
{
    private const int BlockLength = 1 << 16;

    /// <summary>The lines from here on, without their ends; each is good until the next is asked for. A last line without an end is left out.</summary>
    public static IEnumerable<ReadOnlyMemory<byte>> WholeLines(Stream file)
    {
        byte[] block = new byte[BlockLength];
        int begin = 0, filled = 0;
        while (true)
        {
            int length = block.AsSpan(begin, filled - begin).IndexOf((byte)'\n');
            if (length >= 0)
            {
                yield return block.AsMemory(begin, length);
                begin += length + 1;
                continue;
            }

            block.AsSpan(begin, filled - begin).CopyTo(block);
            (begin, filled) = (0, filled - begin);
            if (filled == block.Length)
            {
                Array.Resize(ref block, 2 * block.Length);
            }

            int read = file.Read(block, filled, block.Length - filled);
            if (read == 0)
            {
                yield break;
            }

            filled += read;
        }
    }
}
