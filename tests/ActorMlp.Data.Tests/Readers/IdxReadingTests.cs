using System.Buffers.Binary;
using ActorMlp.Data.Configuration;

namespace ActorMlp.Data.Tests.Readers;

public sealed class IdxReadingTests : IDisposable
{
    private static readonly byte[] pixels = [0, 1, 2, 3, 4, 255, 6, 7, 8, 9, 10, 11];

    private readonly TestFolder folder = new();

    private static DataOptions Options { get; } = new()
    {
        Format = DataFormat.Idx,
        Train = "images",
        TrainLabels = "labels",
        Scaling = ScalingKind.None,
    };

    public void Dispose() => folder.Dispose();

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Load_images_and_labels_flattens_each_image(bool gzip)
    {
        Write("images", Idx(pixels, 3, 2, 2), gzip);
        Write("labels", Idx([7, 5, 7], 3), gzip);

        LoadedData data = Load();

        Assert.Equal(3, data.Training.Rows);
        Assert.Equal(["pixel0", "pixel1", "pixel2", "pixel3"], data.Schema.InputColumns);
        Assert.Equal("label", data.Schema.Target);
        Assert.Equal(["5", "7"], data.Schema.Classes);
        Assert.Equal([4f, 255f, 6f, 7f], data.Training.Inputs(1));
        Assert.Equal([1, 0, 1], data.Training.Labels());
    }

    [Fact]
    public void Load_two_dimensions_are_rows_and_inputs()
    {
        Write("images", Idx(pixels, 4, 3));
        Write("labels", Idx([0, 1, 0, 1], 4));

        Assert.Equal([9f, 10f, 11f], Load().Training.Inputs(3));
    }

    [Fact]
    public void Load_limit_of_rows_reads_the_first()
    {
        Write("images", Idx(pixels, 4, 3));
        Write("labels", Idx([0, 1, 2, 3], 4));

        LoadedData data = Load(Options with { LimitRows = 2 });

        Assert.Equal(2, data.Training.Rows);
        Assert.Equal(["0", "1"], data.Schema.Classes);
    }

    [Theory]
    [InlineData(new byte[] { 0x89, 0x50, 0x4E, 0x47 })]
    [InlineData(new byte[] { 0, 0, 0x0D, 3 })]
    [InlineData(new byte[] { 0, 0, 8, 0 })]
    public void Load_other_magic_is_no_idx_file(byte[] magic)
    {
        byte[] file = Idx(pixels, 3, 2, 2);
        magic.CopyTo(file, 0);
        Write("images", file);
        Write("labels", Idx([0, 1, 0], 3));

        AssertProblem("images", Convert.ToHexString(magic), "not an IDX file");
    }

    [Fact]
    public void Load_file_cut_short_anywhere_is_refused()
    {
        byte[] file = Idx(pixels, 3, 2, 2);
        Write("labels", Idx([0, 1, 0], 3));
        for (int length = 0; length < file.Length; length++)
        {
            Write("images", file[..length]);
            AssertProblem("images", "is cut short");
        }
    }

    [Fact]
    public void Load_gzip_cut_short_anywhere_is_refused()
    {
        byte[] file = TestFolder.Gzip(Idx(pixels, 3, 2, 2));
        Write("labels", Idx([0, 1, 0], 3));
        for (int length = 0; length < file.Length; length++)
        {
            Write("images", file[..length]);
            AssertProblem("images");
        }
    }

    [Fact]
    public void Load_bytes_after_the_last_value_are_refused()
    {
        Write("images", [.. Idx(pixels, 3, 2, 2), 0]);
        Write("labels", Idx([0, 1, 0], 3));

        AssertProblem("images", "goes on after the 12 values");
    }

    [Fact]
    public void Load_other_number_of_labels_names_both_counts()
    {
        Write("images", Idx(pixels, 3, 2, 2));
        Write("labels", Idx([0, 1], 2));

        AssertProblem("labels", "has 2 labels", "images", "has 3 rows");
    }

    [Fact]
    public void Load_inputs_and_labels_swapped_asks_for_it()
    {
        Write("labels", Idx(pixels, 3, 2, 2));
        Write("images", Idx([0, 1, 0], 3));

        AssertProblem("images", "has 1 dimension", "swapped?");
    }

    [Fact]
    public void Load_images_as_labels_asks_whether_they_are_swapped()
    {
        Write("images", Idx(pixels, 3, 2, 2));
        Write("labels", Idx(pixels, 3, 2, 2));

        AssertProblem("labels", "has 3 dimensions", "swapped?");
    }

    [Theory]
    [InlineData(0)]
    [InlineData(-1)]
    [InlineData(int.MaxValue)]
    public void Load_absurd_dimension_is_refused_before_memory_is_taken(int size)
    {
        Write("images", Idx(pixels, 3, size, 2));
        Write("labels", Idx([0, 1, 0], 3));

        AssertProblem("images: dimension", "expected 1 or more");
    }

    [Fact]
    public void Load_test_images_of_another_size_are_refused()
    {
        Write("images", Idx(pixels, 3, 2, 2));
        Write("labels", Idx([0, 1, 0], 3));
        Write("test-images", Idx(pixels, 2, 2, 3));
        Write("test-labels", Idx([0, 1], 2));

        DataOptions options = Options with { Test = "test-images", TestLabels = "test-labels" };

        DataException problem = Assert.Throws<DataException>(() => Load(options));
        Assert.Contains("has 6 inputs per row, but the training rows have 4", problem.Message);
    }

    /// <summary>An IDX file of unsigned bytes: 00 00 08, the number of dimensions, each as a big-endian word, then the values.</summary>
    private static byte[] Idx(byte[] values, params int[] shape)
    {
        var file = new byte[4 + 4 * shape.Length + values.Length];
        file[2] = 8;
        file[3] = (byte)shape.Length;
        for (int i = 0; i < shape.Length; i++)
        {
            BinaryPrimitives.WriteInt32BigEndian(file.AsSpan(4 + 4 * i), shape[i]);
        }

        values.CopyTo(file, 4 + 4 * shape.Length);
        return file;
    }

    private void Write(string name, byte[] bytes, bool gzip = false) => folder.Write(name, gzip ? TestFolder.Gzip(bytes) : bytes);

    private LoadedData Load(DataOptions? options = null) => DataLoader.Load(options ?? Options, 1, folder.Paths);

    private void AssertProblem(params string[] parts)
    {
        DataException problem = Assert.Throws<DataException>(() => Load());
        Assert.All(parts, part => Assert.Contains(part, problem.Message));
    }
}
