using System.Buffers.Binary;
using System.Globalization;
using System.Runtime.CompilerServices;

namespace ActorMlp.Data.Readers;

/// <summary>Reads the IDX files of MNIST and its kin: unsigned bytes, big-endian header; one file of inputs, one of labels.</summary>
internal static class IdxTableReader
{
    /// <summary>Inputs per row at most: 4096 × 4096 pixels.</summary>
    private const int MostColumns = 1 << 24;

    private const int BytesAtATime = 1 << 16;

    private static readonly string[] names =
        [.. Enumerable.Range(0, 256).Select(value => value.ToString(CultureInfo.InvariantCulture))];

    /// <summary>Reads a pair of files.</summary>
    /// <param name="key">The key that names them, such as <c>data.train</c>.</param>
    /// <param name="path">Inputs: magic 0x08, two dimensions or more; all but the first are flattened.</param>
    /// <param name="labelsPath">Labels: magic 0x0801; null where rows are only to be predicted.</param>
    /// <param name="limitRows">Rows to read at most; null for all.</param>
    /// <param name="hashes">Gets the files' bytes; null for nobody.</param>
    /// <param name="sink">Gets the rows; of no use after an exception.</param>
    /// <exception cref="DataException">The files are not such a pair.</exception>
    public static void Read(string key, string path, string? labelsPath, int? limitRows, SourceHashes? hashes, IRowSink sink)
    {
        int count = 0, rows = 0;
        ReadFile(key, path, hashes, (shape, stream) =>
        {
            if (shape.Length < 2)
            {
                throw new DataException($"{path}: has {shape.Length} dimension, expected inputs with two or more (rows × pixels); are inputs and labels swapped?");
            }

            count = shape[0];
            rows = Math.Min(count, limitRows ?? int.MaxValue);
            ReadInputs(path, stream, count, rows, shape[1..].Aggregate(1, (product, size) => product * size), sink);
        });
        if (labelsPath is null)
        {
            return;
        }

        ReadFile(key + "Labels", labelsPath, hashes, (shape, stream) =>
        {
            if (shape.Length != 1)
            {
                throw new DataException($"{labelsPath}: has {shape.Length} dimensions, expected labels with one; are inputs and labels swapped?");
            }

            if (shape[0] != count)
            {
                throw new DataException($"{labelsPath}: has {shape[0]} labels, but {path} has {count} rows");
            }

            ReadChunks(stream, count, BytesAtATime, (first, labels) =>
            {
                for (int i = 0; i < labels.Length && first + i < rows; i++)
                {
                    sink.AddClass(names[labels[i]]);
                }
            });
        });
    }

    /// <summary>Reads all rows, so that a file cut short is noticed, and hands on the first <paramref name="rows"/>.</summary>
    private static void ReadInputs(string path, Stream stream, int count, int rows, int columns, IRowSink sink)
    {
        sink.Start(path, [.. Enumerable.Range(0, columns).Select(i => $"pixel{i}")], rows);
        int rowsAtATime = Math.Max(1, BytesAtATime / columns);
        ReadChunks(stream, (long)count * columns, rowsAtATime * columns, (first, pixels) =>
        {
            long firstRow = first / columns;
            for (int row = 0; row < pixels.Length / columns && firstRow + row < rows; row++)
            {
                Widen(pixels.Slice(row * columns, columns), sink.NextInputs());
                sink.AddRow();
            }
        });
    }

    /// <summary>Compiled at full speed at once: a process that has just started goes through all its rows before methods are compiled again.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Widen(ReadOnlySpan<byte> pixels, Span<float> inputs)
    {
        for (int i = 0; i < pixels.Length; i++)
        {
            inputs[i] = pixels[i];
        }
    }

    private static void ReadChunks(Stream stream, long length, int size, Action<long, ReadOnlySpan<byte>> handle)
    {
        var chunk = new byte[Math.Min(length, size)];
        for (long done = 0; done < length; done += chunk.Length)
        {
            Span<byte> part = chunk.AsSpan(0, (int)Math.Min(chunk.Length, length - done));
            stream.ReadExactly(part);
            handle(done, part);
        }
    }

    private static void ReadFile(string key, string path, SourceHashes? hashes, Action<int[], Stream> readValues)
    {
        using DataFile file = DataFile.Open(path, hashes);
        Stream stream = file.Content;
        try
        {
            (int[] shape, long length) = ReadShape(path, stream);
            readValues(shape, stream);
            if (stream.ReadByte() >= 0)
            {
                throw new DataException($"{path}: goes on after the {length} values that its header announces");
            }
        }
        catch (EndOfStreamException)
        {
            throw new DataException($"{path}: is cut short; its header announces more values than it has");
        }
        catch (InvalidDataException exception)
        {
            throw new DataException($"{path}: is no whole gzip file: {exception.Message}");
        }

        file.Finish(key);
    }

    private static (int[] Shape, long Length) ReadShape(string path, Stream stream)
    {
        Span<byte> word = stackalloc byte[4];
        stream.ReadExactly(word);
        if (word[0] != 0 || word[1] != 0 || word[2] != 8 || word[3] == 0)
        {
            throw new DataException($"{path}: starts with {Convert.ToHexString(word)}, which is not an IDX file of unsigned bytes (000008 and the number of dimensions)");
        }

        var shape = new int[word[3]];
        long columns = 1;
        for (int i = 0; i < shape.Length; i++)
        {
            stream.ReadExactly(word);
            shape[i] = BinaryPrimitives.ReadInt32BigEndian(word);
            columns *= i == 0 ? 1 : shape[i];
            if (shape[i] < 1 || columns > MostColumns)
            {
                throw new DataException($"{path}: dimension {i} is {shape[i]}; expected 1 or more, and at most {MostColumns} values in a row");
            }
        }

        return (shape, shape[0] * columns);
    }
}
