namespace ActorMlp.Engine.Batches;

/// <summary>Rows of a data set, preprocessed, read at random by any number of threads at once.</summary>
public interface IExampleSource
{
    /// <summary>Number of rows.</summary>
    int Rows { get; }

    /// <summary>Number of input columns.</summary>
    int Inputs { get; }

    /// <summary>Number of target columns; 0 where rows carry a class label instead.</summary>
    int Targets { get; }

    /// <summary>Writes a row's inputs into <paramref name="destination"/>, <see cref="Inputs"/> long.</summary>
    void CopyInputs(int row, Span<float> destination);

    /// <summary>The class of a row, 0-based; only where <see cref="Targets"/> is 0.</summary>
    int Label(int row);

    /// <summary>Writes a row's targets into <paramref name="destination"/>, <see cref="Targets"/> long.</summary>
    void CopyTargets(int row, Span<float> destination);
}
